package main

import (
	"iter"

	"github.com/cilium/statedb"
	"github.com/cilium/statedb/index"
)

type statedbStore struct {
	db    *statedb.DB
	table statedb.RWTable[*Task]
}

var (
	byID = statedb.Index[*Task, string]{
		Name:       "id",
		FromObject: func(task *Task) index.KeySet { return index.NewKeySet(index.String(task.ID)) },
		FromKey:    index.String,
		Unique:     true,
	}
	byNode = statedb.Index[*Task, string]{
		Name:       "node",
		FromObject: func(task *Task) index.KeySet { return index.NewKeySet(index.String(task.Node)) },
		FromKey:    index.String,
	}
	// There are no compound indexes: the columns are put together by hand.
	byJobStatus = statedb.Index[*Task, []byte]{
		Name: "job_status",
		FromObject: func(task *Task) index.KeySet {
			return index.NewKeySet(jobKey(task.Job, task.Status))
		},
		FromKey: func(key []byte) index.Key { return key },
	}
)

func jobKey(job string, status uint8) []byte {
	key := make([]byte, 0, len(job)+2)
	key = append(key, job...)
	return append(key, '/', '0'+status)
}

func newStatedb(indexed bool) store {
	db := statedb.New(statedb.WithMetrics(&statedb.NopMetrics{}))
	indexes := []statedb.Indexer[*Task]{byNode, byJobStatus}
	if !indexed {
		indexes = nil
	}
	table, err := statedb.NewTable(table, byID, indexes...)
	if err == nil {
		err = db.RegisterTable(table)
	}
	if err == nil {
		err = db.Start()
	}
	if err != nil {
		fail(err)
	}
	return &statedbStore{db, table}
}

func (*statedbStore) name() string { return "statedb" }

func (*statedbStore) empty() store { return newStatedb(true) }

func (s *statedbStore) insert(txn statedb.WriteTxn, task *Task) {
	if _, _, err := s.table.Insert(txn, task); err != nil {
		fail(err)
	}
}

func (s *statedbStore) load(tasks []*Task) {
	txn := s.db.WriteTxn(s.table)
	for _, task := range tasks {
		s.insert(txn, task)
	}
	txn.Commit()
}

func (s *statedbStore) update(ids []string, change change) {
	txn := s.db.WriteTxn(s.table)
	for _, id := range ids {
		old, _, _ := s.table.Get(txn, byID.Query(id))
		s.insert(txn, change.of(old))
	}
	txn.Commit()
}

func (s *statedbStore) rewrite(data string) {
	hundreds(data, func(ids []string) { s.update(ids, change{value: 1}) })
}

func (s *statedbStore) snapshot() view { return statedbView{s.db.ReadTxn(), s.table} }

func (*statedbStore) forkAndUpdate(string, change) bool { return false }

func (*statedbStore) waitAny() waitSet { return nil }

type statedbView struct {
	txn   statedb.ReadTxn
	table statedb.RWTable[*Task]
}

func (v statedbView) get(id string) uint64 {
	row, _, found := v.table.Get(v.txn, byID.Query(id))
	if !found {
		return 0
	}
	return uint64(row.CPU)
}

func sumStatedb(rows iter.Seq2[*Task, statedb.Revision]) uint64 {
	var sum uint64
	for row := range rows {
		sum += uint64(row.CPU)
	}
	return sum
}

func countStatedb(rows iter.Seq2[*Task, statedb.Revision]) int {
	count := 0
	for range rows {
		count++
	}
	return count
}

func (v statedbView) ofNode(node string) uint64 {
	return sumStatedb(v.table.List(v.txn, byNode.Query(node)))
}

func (v statedbView) ofJobAndStatus(job string, status uint8) uint64 {
	return sumStatedb(v.table.List(v.txn, byJobStatus.Query(jobKey(job, status))))
}

func (v statedbView) ofJobs(begin string) iter.Seq2[*Task, statedb.Revision] {
	return v.table.Prefix(v.txn, byJobStatus.Query([]byte(begin)))
}

func (v statedbView) ofJob(job string) uint64 { return sumStatedb(v.ofJobs(job)) }

func (v statedbView) countOfJob(job string) int { return countStatedb(v.ofJobs(job)) }

func (v statedbView) countOfJobs(begin string) int { return countStatedb(v.ofJobs(begin)) }

func (v statedbView) scan() uint64 { return sumStatedb(v.table.All(v.txn)) }

func (statedbView) scanBack() (uint64, bool) { return 0, false }

func (v statedbView) watch(id string) <-chan struct{} {
	_, _, channel, _ := v.table.GetWatch(v.txn, byID.Query(id))
	return channel
}

type statedbFollower struct {
	db      *statedb.DB
	changes statedb.ChangeIterator[*Task]
}

func (s *statedbStore) follow() follower {
	txn := s.db.WriteTxn(s.table)
	changes, err := s.table.Changes(txn)
	if err != nil {
		fail(err)
	}
	txn.Commit()
	return &statedbFollower{s.db, changes}
}

func (f *statedbFollower) take() int {
	count := 0
	changes, _ := f.changes.Next(f.db.ReadTxn())
	var sum uint64
	for change := range changes {
		sum += uint64(change.Object.CPU)
		count++
	}
	sink = sum
	return count
}
