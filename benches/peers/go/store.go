package main

import "context"

// store is what the workloads need of a database. What it refuses is a mistake of this program.
type store interface {
	name() string
	// empty is another one of its kind.
	empty() store
	// load is one transaction.
	load(tasks []*Task)
	// update is one transaction that reads rows, changes each, and writes them.
	update(ids []string, change change)
	// rewrite changes every row, a hundred in a transaction.
	rewrite(data string)
	snapshot() view
	// forkAndUpdate changes a row in a state of its own; false where there is no such thing.
	forkAndUpdate(id string, change change) bool
	// waitAny waits for one of the channels; nil where the database has no such thing.
	waitAny() waitSet
	// stream of changes; nil where the database has none.
	follow() follower
}

// view is one state to read. Each row that is found is read: its CPU is added up.
type view interface {
	get(id string) uint64
	ofNode(node string) uint64
	ofJobAndStatus(job string, status uint8) uint64
	ofJob(job string) uint64
	countOfJob(job string) int
	countOfJobs(begin string) int
	scan() uint64
	// scanBack is false where there is no other way round.
	scanBack() (uint64, bool)
	watch(id string) <-chan struct{}
}

type waitSet interface {
	add(<-chan struct{})
	remove(<-chan struct{})
	wait(context.Context)
}

type follower interface {
	// take gives how many changes there are, after reading them.
	take() int
}

// fill loads a store that is then measured, ten rows in a transaction: statedb 0.4.5 keeps, and clears in each later transaction, a table of all that its
// greatest one has changed, so that an update costs a millisecond once a hundred thousand rows were loaded at once.
func fill(store store, data string) {
	var tasks []*Task
	readTasks(data, func(task *Task) {
		tasks = append(tasks, task)
		if len(tasks) == 10 {
			store.load(tasks)
			tasks = tasks[:0]
		}
	})
	if len(tasks) > 0 {
		store.load(tasks)
	}
}

// hundreds calls back with the ids of all rows, a hundred at a time.
func hundreds(data string, take func(ids []string)) {
	var ids []string
	readTasks(data, func(task *Task) {
		ids = append(ids, task.ID)
		if len(ids) == 100 {
			take(ids)
			ids = ids[:0]
		}
	})
	if len(ids) > 0 {
		take(ids)
	}
}
