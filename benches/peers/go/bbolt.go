package main

import (
	"path/filepath"

	"go.etcd.io/bbolt"
)

// What bbolt is called: with its default options, and with those of etcd, which leave the free list out of the file.
const (
	boltDefault    = "bbolt"
	boltNoFreelist = "bbolt-no-freelist"
)

func boltPath(folder string) string { return filepath.Join(folder, "rows.bolt") }

// openBolt opens or creates the file in a folder. Each commit is synced, for that is bbolt's default.
func openBolt(name, folder string, buckets ...string) *bbolt.DB {
	options := *bbolt.DefaultOptions
	if name == boltNoFreelist {
		options.NoFreelistSync = true
		options.FreelistType = bbolt.FreelistMapType
	}
	db, err := bbolt.Open(boltPath(folder), 0o600, &options)
	if err != nil {
		fail(err)
	}
	var missing bool
	viewBolt(db, func(tx *bbolt.Tx) {
		for _, bucket := range buckets {
			missing = missing || tx.Bucket([]byte(bucket)) == nil
		}
	})
	if missing {
		updateBolt(db, func(tx *bbolt.Tx) {
			for _, bucket := range buckets {
				_, err := tx.CreateBucketIfNotExists([]byte(bucket))
				check(err)
			}
		})
	}
	return db
}

func viewBolt(db *bbolt.DB, read func(tx *bbolt.Tx)) {
	check(db.View(func(tx *bbolt.Tx) error {
		read(tx)
		return nil
	}))
}

func updateBolt(db *bbolt.DB, write func(tx *bbolt.Tx)) {
	check(db.Update(func(tx *bbolt.Tx) error {
		write(tx)
		return nil
	}))
}

func check(err error) {
	if err != nil {
		fail(err)
	}
}
