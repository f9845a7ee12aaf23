package main

import (
	"context"

	"github.com/hashicorp/go-memdb"
)

type memdbStore struct{ db *memdb.MemDB }

const table = "tasks"

func newMemdb(indexed bool) store {
	indexes := map[string]*memdb.IndexSchema{
		"id": {Name: "id", Unique: true, Indexer: &memdb.StringFieldIndex{Field: "ID"}},
	}
	if indexed {
		indexes["node"] = &memdb.IndexSchema{Name: "node", Indexer: &memdb.StringFieldIndex{Field: "Node"}}
		indexes["job_status"] = &memdb.IndexSchema{Name: "job_status", Indexer: &memdb.CompoundIndex{
			Indexes: []memdb.Indexer{
				&memdb.StringFieldIndex{Field: "Job"},
				&memdb.UintFieldIndex{Field: "Status"},
			},
		}}
	}
	db, err := memdb.NewMemDB(&memdb.DBSchema{Tables: map[string]*memdb.TableSchema{
		table: {Name: table, Indexes: indexes},
	}})
	if err != nil {
		fail(err)
	}
	return &memdbStore{db}
}

func (*memdbStore) name() string { return "go-memdb" }

func (*memdbStore) empty() store { return newMemdb(true) }

func insertMemdb(txn *memdb.Txn, task *Task) {
	if err := txn.Insert(table, task); err != nil {
		fail(err)
	}
}

func (s *memdbStore) load(tasks []*Task) {
	txn := s.db.Txn(true)
	for _, task := range tasks {
		insertMemdb(txn, task)
	}
	txn.Commit()
}

func updateMemdb(db *memdb.MemDB, ids []string, change change) {
	txn := db.Txn(true)
	for _, id := range ids {
		old, err := txn.First(table, "id", id)
		if err != nil {
			fail(err)
		}
		insertMemdb(txn, change.of(old.(*Task)))
	}
	txn.Commit()
}

func (s *memdbStore) update(ids []string, change change) { updateMemdb(s.db, ids, change) }

func (s *memdbStore) rewrite(data string) {
	hundreds(data, func(ids []string) { s.update(ids, change{value: 1}) })
}

func (s *memdbStore) snapshot() view { return memdbView{s.db.Txn(false)} }

func (s *memdbStore) forkAndUpdate(id string, change change) bool {
	updateMemdb(s.db.Snapshot(), []string{id}, change)
	return true
}

func (*memdbStore) follow() follower { return nil }

type memdbView struct{ txn *memdb.Txn }

func (v memdbView) get(id string) uint64 {
	row, err := v.txn.First(table, "id", id)
	if err != nil {
		fail(err)
	}
	if row == nil {
		return 0
	}
	return uint64(row.(*Task).CPU)
}

func (v memdbView) rows(index string, arguments ...any) memdb.ResultIterator {
	rows, err := v.txn.Get(table, index, arguments...)
	if err != nil {
		fail(err)
	}
	return rows
}

func sumMemdb(rows memdb.ResultIterator) uint64 {
	var sum uint64
	for row := rows.Next(); row != nil; row = rows.Next() {
		sum += uint64(row.(*Task).CPU)
	}
	return sum
}

func countMemdb(rows memdb.ResultIterator) int {
	count := 0
	for row := rows.Next(); row != nil; row = rows.Next() {
		count++
	}
	return count
}

func (v memdbView) ofNode(node string) uint64 { return sumMemdb(v.rows("node", node)) }

func (v memdbView) ofJobAndStatus(job string, status uint8) uint64 {
	return sumMemdb(v.rows("job_status", job, status))
}

func (v memdbView) ofJob(job string) uint64 { return sumMemdb(v.rows("job_status_prefix", job)) }

func (v memdbView) countOfJob(job string) int { return countMemdb(v.rows("job_status_prefix", job)) }

func (v memdbView) countOfJobs(begin string) int {
	return countMemdb(v.rows("job_status_prefix", begin))
}

func (v memdbView) scan() uint64 { return sumMemdb(v.rows("id")) }

func (v memdbView) scanBack() (uint64, bool) {
	rows, err := v.txn.GetReverse(table, "id")
	if err != nil {
		fail(err)
	}
	return sumMemdb(rows), true
}

func (v memdbView) watch(id string) <-chan struct{} {
	channel, _, err := v.txn.FirstWatch(table, "id", id)
	if err != nil {
		fail(err)
	}
	return channel
}

type memdbSet struct{ set memdb.WatchSet }

func (*memdbStore) waitAny() waitSet { return memdbSet{memdb.NewWatchSet()} }

func (s memdbSet) add(channel <-chan struct{}) { s.set.Add(channel) }

func (s memdbSet) remove(channel <-chan struct{}) { delete(s.set, channel) }

func (s memdbSet) wait(ctx context.Context) {
	if err := s.set.WatchCtx(ctx); err != nil {
		fail(err)
	}
}
