package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// round is one round on one store after the other.
type round struct {
	number int
	scale  scale
	data   string
	ids    []string
	picks  picks
	output *json.Encoder
	store  store
}

// sink keeps results, so that nothing is left out as unused.
var sink uint64

func digest(store store, picks picks, rows int) string {
	view := store.snapshot()
	var ids, nodes, jobs uint64
	for at := range 20 {
		ids += view.get(picks.ids[at])
		nodes += view.ofNode(picks.nodes[at])
		job := picks.jobs[at]
		jobs += view.ofJobAndStatus(job.job, job.status)
		jobs += view.ofJob(job.job) + uint64(view.countOfJob(job.job))
	}
	if sum, can := view.scanBack(); can && sum != view.scan() {
		fail(store.name() + ": backwards")
	}
	return fmt.Sprint(ids, nodes, jobs, view.scan(), view.countOfJobs(tenthOfJobs(rows)))
}

func (r *round) add(workload, metric string, nanoseconds float64) {
	err := r.output.Encode(figure{r.store.name(), workload, metric, "ns", nanoseconds})
	if err != nil {
		fail(err)
	}
}

// measure runs an operation on one item after the other, over and over, until there was enough.
func (r *round) measure(workload, metric string, items int, operation func(at int)) {
	r.measureMany(workload, metric, 1, items, operation)
}

// measureMany does the same with an operation that does so many at once.
func (r *round) measureMany(workload, metric string, many, items int, operation func(at int)) {
	start := time.Now()
	done := 0
	for {
		operation(done % items)
		done++
		// Only slow operations are looked at one by one: the clock costs as much as a fast one.
		if (done <= 4 || done%32 == 0) && time.Since(start) > r.scale.enough {
			break
		}
	}
	r.add(workload, metric, float64(time.Since(start).Nanoseconds())/float64(done*many))
}

// measureWrites runs an operation for a second, over and over the same items: long enough for the collector to come by, as it does in the long run.
func (r *round) measureWrites(workload, metric string, items int, operation func(at int)) {
	start := time.Now()
	done := 0
	for done < 4 || done%8 != 0 || time.Since(start) < time.Second {
		operation(done % items)
		done++
	}
	r.add(workload, metric, float64(time.Since(start).Nanoseconds())/float64(done))
}

func (r *round) run(store store) {
	r.store = store
	if r.number < r.scale.bulkInserts {
		r.bulkInsert()
	}
	r.reads()
	r.scans()
	r.updates()
	r.besideAWriter()
	r.underWatches()
	r.oneThread()
	r.twoThreads()
	r.set()
	r.followers()
}

func (r *round) bulkInsert() {
	tasks := allTasks(r.data)
	store := r.store.empty()
	runtime.GC()
	start := time.Now()
	store.load(tasks)
	r.add("bulk insert", "a row", float64(time.Since(start).Nanoseconds())/float64(len(tasks)))
	tasks, store = nil, nil
	runtime.GC()
}

func (r *round) reads() {
	ids, nodes, jobs := r.picks.ids, r.picks.nodes, r.picks.jobs
	view := r.store.snapshot()
	// What the store before has left in the caches is nobody's merit.
	for _, id := range ids {
		sink += view.get(id)
	}
	r.measure("point read", "read", len(ids), func(at int) { sink += view.get(ids[at]) })
	r.measure("list by node", "list", len(nodes), func(at int) { sink += view.ofNode(nodes[at]) })
	r.measure("list by job and status", "list", len(jobs), func(at int) {
		sink += view.ofJobAndStatus(jobs[at].job, jobs[at].status)
	})
	r.measure("list by job (compound prefix)", "list", len(jobs), func(at int) {
		sink += view.ofJob(jobs[at].job)
	})
	r.measure("count of a job", "count", len(jobs), func(at int) {
		sink += uint64(view.countOfJob(jobs[at].job))
	})
	begin := tenthOfJobs(len(r.ids))
	r.measure("count of a tenth of all rows", "count", len(jobs), func(int) {
		sink += uint64(view.countOfJobs(begin))
	})
	r.measure("fresh snapshot (or lock) and point read", "read", len(ids), func(at int) {
		sink += r.store.snapshot().get(ids[at])
	})
}

func (r *round) scans() {
	view := r.store.snapshot()
	rows := len(r.ids)
	r.measureMany("full scan", "a row", rows, 1, func(int) { sink += view.scan() })
	if _, can := view.scanBack(); can {
		r.measureMany("full scan, backwards", "a row", rows, 1, func(int) {
			sum, _ := view.scanBack()
			sink += sum
		})
	}
}

func (r *round) updates() {
	ids := r.picks.ids
	random := &random{2000 + uint64(r.number)}
	status := func() change { return change{true, uint32(random.below(4))} }
	r.measureWrites("update, an indexed field", "update", len(ids), func(at int) {
		r.store.update(ids[at:at+1], status())
	})
	r.measureWrites("update, no indexed field", "update", len(ids), func(at int) {
		r.store.update(ids[at:at+1], change{value: uint32(random.below(4000))})
	})
	r.measureWrites("update of 100 rows, an indexed field", "update", len(ids)/100, func(at int) {
		r.store.update(ids[100*at:100*at+100], status())
	})
	if r.store.forkAndUpdate(ids[0], change{value: 1}) {
		r.measureWrites("fork and update", "both", len(ids), func(at int) {
			r.store.forkAndUpdate(ids[at], change{value: 1})
		})
	}
}

// besideAWriter has two threads read, each time from a fresh state, while this one updates.
func (r *round) besideAWriter() {
	ids := r.picks.ids
	var stop atomic.Bool
	var reads atomic.Int64
	var readers sync.WaitGroup
	start := time.Now()
	for thread := range 2 {
		readers.Go(func() {
			random := &random{uint64(thread)}
			var sum uint64
			for !stop.Load() {
				for range 64 {
					sum += r.store.snapshot().get(ids[random.below(len(ids))])
				}
				reads.Add(64)
			}
			runtime.KeepAlive(sum)
		})
	}
	writes := 0
	random := &random{3}
	for time.Since(start) < r.scale.enough {
		at := random.below(len(ids))
		r.store.update(ids[at:at+1], change{value: uint32(random.below(4000))})
		writes++
	}
	stop.Store(true)
	readers.Wait()
	taken := float64(time.Since(start).Nanoseconds())
	workload := "2 readers beside a writer"
	r.add(workload, "read, of both", taken/float64(max(reads.Load(), 1)))
	r.add(workload, "update", taken/float64(max(writes, 1)))
}

func fired(channel <-chan struct{}) bool {
	select {
	case <-channel:
		return true
	default:
		return false
	}
}

// underWatches updates rows at even places, with watches on those at odd ones.
func (r *round) underWatches() {
	for _, count := range []int{0, 1, 1000, 100000} {
		view := r.store.snapshot()
		watches := make([]<-chan struct{}, 0, count)
		for at := range count {
			watches = append(watches, view.watch(r.ids[(2*at+1)%len(r.ids)]))
		}
		view = nil
		random := &random{3000 + uint64(r.number)}
		workload := "update under watches on other rows"
		r.measureWrites(workload, fmt.Sprintf("%d watches", count), r.scale.updates, func(at int) {
			row := 2 * random.below(len(r.ids)/2)
			r.store.update(r.ids[row:row+1], change{value: uint32(at)})
		})
		runtime.KeepAlive(watches)
	}
}

func (r *round) oneThread() {
	ids := r.picks.ids
	r.measureWrites("watch a row, update it, wake", "on one thread", len(ids), func(at int) {
		watch := r.store.snapshot().watch(ids[at])
		r.store.update(ids[at:at+1], change{value: uint32(at)})
		<-watch
	})
}

// twoThreads measures from before an update to the return of a wait in another goroutine, which is asleep by then.
func (r *round) twoThreads() {
	ids := r.picks.ids[:r.scale.updates/10]
	ready := make(chan struct{})
	woken := make(chan time.Time)
	go func() {
		for _, id := range ids {
			watch := r.store.snapshot().watch(id)
			ready <- struct{}{}
			<-watch
			woken <- time.Now()
		}
	}()
	times := make([]float64, 0, len(ids))
	for at := range ids {
		<-ready
		time.Sleep(100 * time.Microsecond)
		start := time.Now()
		r.store.update(ids[at:at+1], change{value: uint32(at)})
		times = append(times, float64((<-woken).Sub(start).Nanoseconds()))
	}
	slices.Sort(times)
	workload := "update to wake on another thread"
	r.add(workload, "p50", times[len(times)/2])
	r.add(workload, "p99", times[len(times)*99/100])
}

// set has one of many watches fire, and takes it anew.
func (r *round) set() {
	set := r.store.waitAny()
	if set == nil {
		return
	}
	ids := r.ids[:min(10000, len(r.ids))]
	view := r.store.snapshot()
	watches := make(map[string]<-chan struct{}, len(ids))
	for _, id := range ids {
		watches[id] = view.watch(id)
		set.add(watches[id])
	}
	view = nil
	random := &random{4000 + uint64(r.number)}
	var times []float64
	for number := range r.scale.updates / 20 {
		at := random.below(len(ids))
		start := time.Now()
		r.store.update(ids[at:at+1], change{value: uint32(number)})
		set.wait(context.Background())
		times = append(times, float64(time.Since(start).Nanoseconds()))
		// Others may have fired with it.
		view := r.store.snapshot()
		for id, watch := range watches {
			if fired(watch) {
				set.remove(watch)
				watches[id] = view.watch(id)
				set.add(watches[id])
			}
		}
	}
	slices.Sort(times)
	r.add("10,000 watches in one set, one fires", "update and wake", times[len(times)/2])
}

// followers takes each update from every stream before the next.
func (r *round) followers() {
	for _, count := range []int{1, 10, 100} {
		var followers []follower
		for range count {
			follower := r.store.follow()
			if follower == nil {
				return
			}
			follower.take()
			followers = append(followers, follower)
		}
		ids := r.picks.ids
		metric := fmt.Sprintf("%d streams", count)
		r.measureWrites("update, taken by change streams", metric, len(ids), func(at int) {
			r.store.update(ids[at:at+1], change{value: uint32(at)})
			for _, follower := range followers {
				if follower.take() != 1 {
					fail("a change stream without its change")
				}
			}
		})
	}
}
