package main

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"

	"go.etcd.io/bbolt"
)

// What is measured of a file of rows, and why, stands in the Rust sources (src/files/workload.rs).

// bulk is how many rows go into one transaction of the load: bbolt takes minutes for a million in one.
const bulk = 10000

var bucketOfRows = []byte("rows")

type row struct {
	key   [24]byte
	value [150]byte
}

func (r *random) fill(bytes []byte) {
	for len(bytes) > 0 {
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], r.next())
		bytes = bytes[copy(bytes, word[:]):]
	}
}

// files is a run on one file.
type files struct {
	name, folder string
	db           *bbolt.DB
	keys         [][24]byte
	random       random
	output       *json.Encoder
}

func runFiles(name, folder string, rows, commits int) {
	f := files{name: name, folder: folder, random: random{3}, output: json.NewEncoder(os.Stdout)}
	f.keys = make([][24]byte, rows)
	for at := range f.keys {
		f.random.fill(f.keys[at][:])
	}
	f.open()
	f.load()
	f.size("after the load")
	f.commits("one row", 1, commits)
	f.commits("100 rows", 100, commits/5)
	f.size("after commits of 100")
	f.commits("1,000 rows", 1000, commits/20)
	f.size("after commits of 1,000")
	f.reads()
	f.reopen()
	f.churn(commits * 2)
	f.removals()
}

func (f *files) open() { f.db = openBolt(f.name, f.folder, string(bucketOfRows)) }

func (f *files) figure(workload, metric, unit string, value float64) {
	check(f.output.Encode(figure{f.name, workload, metric, unit, value}))
}

func (f *files) size(when string) { f.figure("size", when, "MB", megabytes(f.folder)) }

func put(db *bbolt.DB, rows []row) {
	updateBolt(db, func(tx *bbolt.Tx) {
		bucket := tx.Bucket(bucketOfRows)
		for at := range rows {
			check(bucket.Put(rows[at].key[:], rows[at].value[:]))
		}
	})
}

func (f *files) load() {
	random := f.random
	taken := seconds(func() {
		rows := make([]row, 0, bulk)
		for _, key := range f.keys {
			rows = append(rows, row{key: key})
			random.fill(rows[len(rows)-1].value[:])
			if len(rows) == bulk {
				put(f.db, rows)
				rows = rows[:0]
			}
		}
		if len(rows) > 0 {
			put(f.db, rows)
		}
	})
	f.figure("bulk load, random order", "time", "s", taken)
	var length int
	taken = seconds(func() {
		viewBolt(f.db, func(tx *bbolt.Tx) { length = tx.Bucket(bucketOfRows).Stats().KeyN })
	})
	if length != len(f.keys) {
		fail("bbolt: rows are missing")
	}
	f.figure("len", "time", "ms", taken*1e3)
}

// some gives rows under random keys, all of which are there.
func (f *files) some(count int) []row {
	rows := make([]row, count)
	for at := range rows {
		rows[at].key = f.keys[f.random.below(len(f.keys))]
		f.random.fill(rows[at].value[:])
	}
	return rows
}

// cost is what commits cost beside time, so far.
type cost struct {
	bytes  uint64
	writes int64
}

func (f *files) cost() cost {
	stats := f.db.Stats()
	return cost{written(), stats.TxStats.GetWrite()}
}

func (f *files) costs(workload string, before cost, commits int) {
	after := f.cost()
	f.figure(workload, "written", "KiB", float64(after.bytes-before.bytes)/1024/float64(commits))
	f.figure(workload, "writes", "", float64(after.writes-before.writes)/float64(commits))
}

func (f *files) commits(workload string, rows, commits int) {
	commits = max(commits, 1)
	times := make([]float64, 0, commits)
	before := f.cost()
	for range commits {
		rows := f.some(rows)
		times = append(times, seconds(func() { put(f.db, rows) })*1e6)
	}
	f.figure(workload, "durable commit", "us", median(times))
	f.figure(workload, "p99", "us", times[len(times)*99/100])
	f.costs(workload, before, commits)
}

func (f *files) reads() {
	reads := min(len(f.keys), 1000000)
	for _, pass := range []string{"random reads, first pass", "random reads, second pass"} {
		taken := seconds(func() { f.randomReads(reads, 5) })
		f.figure(pass, "each", "ns", taken*1e9/float64(reads))
	}
	seeks := reads / 20
	random := random{6}
	taken := seconds(func() {
		viewBolt(f.db, func(tx *bbolt.Tx) {
			bucket := tx.Bucket(bucketOfRows)
			for range seeks {
				cursor, left := bucket.Cursor(), 10
				key, value := cursor.Seek(f.keys[random.below(len(f.keys))][:])
				for ; key != nil && left > 0; left-- {
					sink += uint64(value[0])
					key, value = cursor.Next()
				}
			}
		})
	})
	f.figure("random ranges of 10", "each", "ns", taken*1e9/float64(seeks))
	taken = seconds(func() {
		var readers sync.WaitGroup
		for seed := range uint64(2) {
			readers.Go(func() { f.randomReads(reads/2, 10+seed) })
		}
		readers.Wait()
	})
	f.figure("random reads, 2 threads", "each", "ns", taken*1e9/float64(reads))
}

func (f *files) randomReads(reads int, seed uint64) {
	random := random{seed}
	var sum uint64
	viewBolt(f.db, func(tx *bbolt.Tx) {
		bucket := tx.Bucket(bucketOfRows)
		for range reads {
			sum += uint64(bucket.Get(f.keys[random.below(len(f.keys))][:])[0])
		}
	})
	runtime.KeepAlive(sum)
}

// reopen opens what was closed, and what a process left that died after a commit.
func (f *files) reopen() {
	check(f.db.Close())
	f.figure("open", "after a close", "ms", seconds(f.open)*1e3)
	check(f.db.Close())
	program, err := os.Executable()
	check(err)
	died := exec.Command(program, "die", f.name, f.folder).Run()
	if exit, is := died.(*exec.ExitError); !is || exit.Exited() {
		fail("bbolt: the child should have died")
	}
	f.figure("open", "after a kill", "ms", seconds(f.open)*1e3)
	first := seconds(func() { put(f.db, []row{{key: [24]byte{9}}}) })
	f.figure("open", "first commit after it", "ms", first*1e3)
}

func die(name, folder string) {
	put(openBolt(name, folder, string(bucketOfRows)), []row{{key: [24]byte{7}}})
	check(syscall.Kill(os.Getpid(), syscall.SIGKILL))
	select {}
}

func (f *files) churn(commits int) {
	times := make([]float64, 0, commits)
	before := f.cost()
	for at := range commits {
		if at == commits-commits/4 {
			before = f.cost()
		}
		rows := f.some(100)
		times = append(times, seconds(func() { put(f.db, rows) })*1e6)
	}
	late := times[len(times)-len(times)/4:]
	f.figure("100 rows, after churn", "durable commit", "us", median(late))
	f.costs("100 rows, after churn", before, commits/4)
	f.size("after churn")
}

func (f *files) removals() {
	taken := seconds(func() {
		updateBolt(f.db, func(tx *bbolt.Tx) {
			bucket := tx.Bucket(bucketOfRows)
			for _, key := range f.keys[:len(f.keys)/2] {
				check(bucket.Delete(key[:]))
			}
		})
	})
	f.figure("removal of half", "time", "s", taken)
	f.size("after removal")
	copied, err := bbolt.Open(boltPath(f.folder)+".copy", 0o600, nil)
	check(err)
	check(bbolt.Compact(copied, f.db, 1<<20))
	check(copied.Close())
	check(f.db.Close())
	check(os.Rename(boltPath(f.folder)+".copy", boltPath(f.folder)))
	f.size("after compaction")
}
