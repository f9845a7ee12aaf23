package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"go.etcd.io/bbolt"
)

// What is measured, and why, stands in the Rust sources (src/durable/workload.rs and reopen.rs). A row's bytes are under its id; index entries are kept by
// hand, in two more buckets.

const (
	boltRows   = "tasks"
	boltByNode = "tasks by node"
	boltByJob  = "tasks by job"
)

// encode writes each string with its length, and numbers in as few bytes as they need.
func (t *Task) encode() []byte {
	bytes := make([]byte, 0, 128)
	text := func(text string) {
		bytes = binary.AppendUvarint(bytes, uint64(len(text)))
		bytes = append(bytes, text...)
	}
	text(t.ID)
	text(t.Node)
	text(t.Job)
	bytes = append(bytes, t.Status)
	bytes = binary.AppendUvarint(bytes, uint64(t.CPU))
	bytes = binary.AppendUvarint(bytes, uint64(len(t.Labels)))
	for _, label := range t.Labels {
		text(label.Name)
		text(label.Value)
	}
	return bytes
}

// decodeTask copies what it gives, for bbolt's bytes are gone with their transaction.
func decodeTask(bytes []byte) *Task {
	number := func() uint64 {
		number, length := binary.Uvarint(bytes)
		if length <= 0 {
			fail("a row is damaged")
		}
		bytes = bytes[length:]
		return number
	}
	text := func() string {
		length := number()
		text := string(bytes[:length])
		bytes = bytes[length:]
		return text
	}
	task := &Task{ID: text(), Node: text(), Job: text()}
	task.Status, bytes = bytes[0], bytes[1:]
	task.CPU = uint32(number())
	task.Labels = make([]Label, number())
	for at := range task.Labels {
		task.Labels[at] = Label{text(), text()}
	}
	return task
}

func (t *Task) byNode() []byte { return []byte(t.Node + "\x00" + t.ID) }

func (t *Task) byJob() []byte { return []byte(t.Job + "\x00" + string(rune(t.Status)) + t.ID) }

type boltTasks struct{ db *bbolt.DB }

func openBoltTasks(folder string) boltTasks {
	return boltTasks{openBolt(boltDefault, folder, boltRows, boltByNode, boltByJob)}
}

// load adds rows in transactions of as many as bbolt can take at once.
func (b boltTasks) load(data string) {
	var tasks []*Task
	flush := func() {
		updateBolt(b.db, func(tx *bbolt.Tx) {
			for _, task := range tasks {
				check(tx.Bucket([]byte(boltRows)).Put([]byte(task.ID), task.encode()))
				check(tx.Bucket([]byte(boltByNode)).Put(task.byNode(), nil))
				check(tx.Bucket([]byte(boltByJob)).Put(task.byJob(), nil))
			}
		})
		tasks = tasks[:0]
	}
	readTasks(data, func(task *Task) {
		tasks = append(tasks, task)
		if len(tasks) == bulk {
			flush()
		}
	})
	flush()
}

// update is one transaction; only entries that are other ones now are touched.
func (b boltTasks) update(ids []string, change change) {
	updateBolt(b.db, func(tx *bbolt.Tx) {
		rows, byJob := tx.Bucket([]byte(boltRows)), tx.Bucket([]byte(boltByJob))
		for _, id := range ids {
			old := decodeTask(rows.Get([]byte(id)))
			task := change.of(old)
			check(rows.Put([]byte(id), task.encode()))
			if old.Status != task.Status {
				check(byJob.Delete(old.byJob()))
				check(byJob.Put(task.byJob(), nil))
			}
		}
	})
}

// answerCommits answers until there are no more questions: one when the rows are there, then numbers of rounds.
func answerCommits(data, folder string, duration time.Duration) {
	store := openBoltTasks(folder)
	store.load(data)
	ids := allIDs(data)
	output := json.NewEncoder(os.Stdout)
	questions := bufio.NewScanner(os.Stdin)
	for questions.Scan() {
		if questions.Text() != "ready" {
			round := uint64(number(questions.Text()))
			store.commits(output, ids, 1, 1, round, duration)
			store.commits(output, ids, 1, 8, round, duration)
			store.commits(output, ids, 100, 1, round, duration)
			store.commits(output, ids, 100, 8, round, duration)
		}
		fmt.Println("done")
	}
}

// commits until the time is over.
func (b boltTasks) commits(output *json.Encoder, ids []string, rows, threads int, round uint64, duration time.Duration) {
	before := written()
	begun := time.Now()
	var writers sync.WaitGroup
	times := make([][]float64, threads)
	for thread := range threads {
		writers.Go(func() {
			random := &random{1000*round + uint64(thread)}
			for time.Since(begun) < duration {
				picks := make([]string, rows)
				for at := range picks {
					picks[at] = ids[random.below(len(ids))]
				}
				change := change{status: true, value: uint32(random.below(4))}
				taken := seconds(func() { b.update(picks, change) })
				times[thread] = append(times[thread], taken*1e6)
			}
		})
	}
	writers.Wait()
	taken, bytes := time.Since(begun).Seconds(), written()-before
	all := slices.Concat(times...)
	slices.Sort(all)
	plural := map[bool]string{true: "", false: "s"}
	workload := fmt.Sprintf("commit of %d row%s, %d thread%s", rows, plural[rows == 1], threads, plural[threads == 1])
	add := func(metric, unit string, value float64) {
		check(output.Encode(figure{boltDefault, workload, metric, unit, value}))
	}
	add("median", "us", all[len(all)*50/100])
	add("p99", "us", all[len(all)*99/100])
	add("commits a second", "1/s", float64(len(all))/taken)
	// It puts nothing off.
	if threads == 1 {
		add("written at once", "KiB", float64(bytes)/1024/float64(len(all)))
	}
	add("written in all", "KiB", float64(bytes)/1024/float64(len(all)))
}

// reopen loads a go-memdb from the file in a folder, which it makes if there is none, and prints the seconds.
func reopen(data, folder string) {
	if _, err := os.Stat(boltPath(folder)); os.IsNotExist(err) {
		store := openBoltTasks(folder)
		store.load(data)
		check(store.db.Close())
		fmt.Println(0)
		return
	}
	var rows int
	taken := seconds(func() {
		store := openBoltTasks(folder)
		memory := newMemdb(true).(*memdbStore)
		txn := memory.db.Txn(true)
		viewBolt(store.db, func(tx *bbolt.Tx) {
			check(tx.Bucket([]byte(boltRows)).ForEach(func(_, value []byte) error {
				rows++
				insertMemdb(txn, decodeTask(value))
				return nil
			}))
		})
		txn.Commit()
	})
	if rows != len(allIDs(data)) {
		fail("rows are missing")
	}
	fmt.Println(taken)
}
