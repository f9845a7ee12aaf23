package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// Task is a row. It is never changed once it is in a store.
type Task struct {
	ID     string
	Node   string
	Job    string
	Status uint8
	CPU    uint32
	Labels []Label
}

// Label is a name with a value.
type Label struct{ Name, Value string }

// change is what an update changes: a field that is in no index, or one that is.
type change struct {
	status bool
	value  uint32
}

// of gives the row with the change made, and leaves the old one alone.
func (c change) of(old *Task) *Task {
	row := *old
	if c.status {
		row.Status = uint8(c.value)
	} else {
		row.CPU = c.value
	}
	return &row
}

// readTasks reads rows from the file that the program beside this one wrote. Each string is memory of its own, as it is there.
func readTasks(path string, take func(*Task)) {
	file, err := os.Open(path)
	if err != nil {
		fail(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		words := strings.Split(lines.Text(), "\t")
		task := &Task{
			ID:     strings.Clone(words[0]),
			Node:   strings.Clone(words[1]),
			Job:    strings.Clone(words[2]),
			Status: uint8(number(words[3])),
			CPU:    uint32(number(words[4])),
			Labels: make([]Label, 0, (len(words)-5)/2),
		}
		for at := 5; at < len(words); at += 2 {
			task.Labels = append(task.Labels, Label{strings.Clone(words[at]), strings.Clone(words[at+1])})
		}
		take(task)
	}
	if err := lines.Err(); err != nil {
		fail(err)
	}
}

func allTasks(path string) []*Task {
	var tasks []*Task
	readTasks(path, func(task *Task) { tasks = append(tasks, task) })
	return tasks
}

func allIDs(path string) []string {
	var ids []string
	readTasks(path, func(task *Task) { ids = append(ids, task.ID) })
	return ids
}

// random is a small generator with a fixed seed (splitmix64, by Sebastiano Vigna).
type random struct{ state uint64 }

func (r *random) next() uint64 {
	r.state += 0x9E3779B97F4A7C15
	word := r.state
	word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9
	word = (word ^ (word >> 27)) * 0x94D049BB133111EB
	return word ^ (word >> 31)
}

func (r *random) below(limit int) int { return int(r.next() % uint64(limit)) }

// jobStatus is a job and one of its four statuses.
type jobStatus struct {
	job    string
	status uint8
}

// picks is what a round asks for: ids, and a quarter as many nodes and jobs.
type picks struct {
	ids   []string
	nodes []string
	jobs  []jobStatus
}

func nodes(rows int) int { return max(rows/50, 1) }

func jobs(rows int) int { return max(rows/100, 1) }

func newPicks(ids []string, count int, random *random) picks {
	var picks picks
	for range count {
		picks.ids = append(picks.ids, strings.Clone(ids[random.below(len(ids))]))
	}
	for range count / 4 {
		picks.nodes = append(picks.nodes, fmt.Sprintf("node-%06d", random.below(nodes(len(ids)))))
	}
	for range count / 4 {
		job := fmt.Sprintf("job-%06d", random.below(jobs(len(ids))))
		picks.jobs = append(picks.jobs, jobStatus{job, uint8(random.below(4))})
	}
	return picks
}

// tenthOfJobs is the beginning of the names of a tenth of all jobs, or somewhat less.
func tenthOfJobs(rows int) string {
	free := 0
	for left := jobs(rows) / 10; left >= 10; left /= 10 {
		free++
	}
	return "job-" + strings.Repeat("0", 6-free)
}
