package main

import (
	"encoding/json"
	"os"
	"time"
)

// grow measures the main operations of a store at one size (src/memory/growth.rs), each a few times.
func grow(data, name string) {
	ids := allIDs(data)
	r := round{
		scale:  scale{enough: 200 * time.Millisecond},
		data:   data,
		ids:    ids,
		picks:  newPicks(ids, 200000, &random{1000}),
		output: json.NewEncoder(os.Stdout),
		store:  newStore(name, true),
	}
	r.bulkInsert()
	if len(ids) <= 100000 {
		for range 5 {
			r.bulkInsert()
		}
	}
	before := live()
	fill(r.store, data)
	if len(ids) >= 100000 {
		each := float64(live()-before) / float64(len(ids))
		check(r.output.Encode(figure{name, "memory a row", "3 indexes", "B", each}))
	}
	random := &random{2000}
	for range 5 {
		view := r.store.snapshot()
		picks := r.picks
		r.measure("point read", "read", len(picks.ids), func(at int) { sink += view.get(picks.ids[at]) })
		r.measure("list by node", "list", len(picks.nodes), func(at int) { sink += view.ofNode(picks.nodes[at]) })
		view = nil
		r.measureWrites("update, an indexed field", "update", len(picks.ids), func(at int) {
			r.store.update(picks.ids[at:at+1], change{true, uint32(random.below(4))})
		})
	}
}
