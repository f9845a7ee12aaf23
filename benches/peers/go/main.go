// The peers in Go: go-memdb, statedb and bbolt under the workloads of the program beside which this one runs.
//
// For the databases in memory it is told what to do line by line and answers with figures as lines of JSON, and then "done". What each workload is stands in the Rust sources
// (src/memory/rounds.rs and watches.rs); the two draw the same random numbers, so that all stores are asked the same.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

const usage = `bench DATA PICKS UPDATES BULK_INSERTS MILLISECONDS STORES
weigh DATA STORE STAGE
grow DATA STORE
files STORE FOLDER ROWS COMMITS
die STORE FOLDER
commits DATA FOLDER MILLISECONDS
reopen DATA FOLDER`

func main() {
	arguments := os.Args[1:]
	switch {
	case len(arguments) == 7 && arguments[0] == "bench":
		bench(arguments[1], strings.Split(arguments[6], ","), scale{
			picks:       number(arguments[2]),
			updates:     number(arguments[3]),
			bulkInserts: number(arguments[4]),
			enough:      time.Duration(number(arguments[5])) * time.Millisecond,
		})
	case len(arguments) == 4 && arguments[0] == "weigh":
		weigh(arguments[1], arguments[2], arguments[3])
	case len(arguments) == 3 && arguments[0] == "grow":
		grow(arguments[1], arguments[2])
	case len(arguments) == 5 && arguments[0] == "files":
		runFiles(arguments[1], arguments[2], number(arguments[3]), number(arguments[4]))
	case len(arguments) == 3 && arguments[0] == "die":
		die(arguments[1], arguments[2])
	case len(arguments) == 4 && arguments[0] == "commits":
		answerCommits(arguments[1], arguments[2], time.Duration(number(arguments[3]))*time.Millisecond)
	case len(arguments) == 3 && arguments[0] == "reopen":
		reopen(arguments[1], arguments[2])
	default:
		fail(usage)
	}
}

func fail(why any) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(1)
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	if err != nil {
		fail(err)
	}
	return value
}

// scale is how much is done in a round.
type scale struct {
	// Ids to ask for; as many as there are rows.
	picks int
	// Updates, where their number counts and not the time.
	updates, bulkInserts int
	// An operation that takes longer is done less often; and so long, readers read beside a writer.
	enough time.Duration
}

// figure is one line of an answer.
type figure struct {
	Store    string  `json:"store"`
	Workload string  `json:"workload"`
	Metric   string  `json:"metric"`
	Unit     string  `json:"unit"`
	Value    float64 `json:"value"`
}

func newStore(name string, indexed bool) store {
	if name == "statedb" {
		return newStatedb(indexed)
	}
	return newMemdb(indexed)
}

// bench answers until there are no more questions.
func bench(data string, names []string, scale scale) {
	ids := allIDs(data)
	var stores []store
	for _, name := range names {
		store := newStore(name, true)
		fill(store, data)
		stores = append(stores, store)
	}
	output := json.NewEncoder(os.Stdout)
	questions := bufio.NewScanner(os.Stdin)
	for questions.Scan() {
		words := strings.Fields(questions.Text())
		switch words[0] {
		case "digest":
			for _, store := range stores {
				fmt.Println(digest(store, newPicks(ids, scale.picks, &random{1000}), len(ids)))
			}
		case "round":
			round := round{number: number(words[1]), scale: scale, data: data, ids: ids, output: output}
			round.picks = newPicks(ids, scale.picks, &random{1000 + uint64(round.number)})
			for _, store := range stores {
				// What the round before has left is not this one's to collect.
				runtime.GC()
				round.run(store)
			}
		}
		fmt.Println("done")
	}
}

// weigh prints the bytes of live heap for each row.
func weigh(data, name, stage string) {
	rows := len(allIDs(data))
	before := live()
	var keep any
	if stage == "rows" {
		tasks := make([]*Task, 0, rows)
		readTasks(data, func(task *Task) { tasks = append(tasks, task) })
		// Not what the pointers are kept in.
		before += uint64(8 * rows)
		keep = tasks
	} else {
		store := newStore(name, stage != "plain")
		fill(store, data)
		var snapshot any
		if stage == "held" {
			snapshot = store.snapshot()
			store.rewrite(data)
		}
		keep = []any{store, snapshot}
	}
	bytes := live() - before
	runtime.KeepAlive(keep)
	fmt.Println(float64(bytes) / float64(rows))
}

// live is the heap after a collection. Twice, for what finalizers held.
func live() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
