package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// written is the bytes that this process has given to write calls.
func written() uint64 {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(text), "\n") {
		if bytes, is := strings.CutPrefix(line, "wchar: "); is {
			value, _ := strconv.ParseUint(bytes, 10, 64)
			return value
		}
	}
	return 0
}

// megabytes is the size of all files in a folder.
func megabytes(folder string) float64 {
	var bytes int64
	check(filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	}))
	return float64(bytes) / 1e6
}

func seconds(run func()) float64 {
	start := time.Now()
	run()
	return time.Since(start).Seconds()
}

// median sorts.
func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
