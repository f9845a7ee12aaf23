//! The numbers for people: lines, and a table of the indexes.

use std::fmt;

use super::{Commits, Counters, Disk, Memory, Seat, Stats, Timing, Versions, Watches};

impl fmt::Display for Stats {
    /// The counters, a line each, and a table with a line for each index.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.counters)?;
        let indexes = self.tables.iter().flat_map(|table| {
            let rows = |place| match place {
                0 => format!("{} rows, {} B", table.rows, table.row_bytes),
                _ => String::new(),
            };
            table.indexes.iter().enumerate().map(move |(place, index)| {
                [
                    format!("{}.{}", table.name, index.name),
                    index.entries.to_string(),
                    index.bytes.to_string(),
                    index.inner.to_string(),
                    index.buckets.to_string(),
                    index.depth.to_string(),
                    index.watches.set.to_string(),
                    rows(place),
                ]
            })
        });
        let head = [
            "index", "entries", "bytes", "inner", "buckets", "depth", "watches", "rows",
        ];
        let lines: Vec<_> = std::iter::once(head.map(str::to_owned))
            .chain(indexes)
            .collect();
        let mut widths = [0; 8];
        for line in &lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = cell.chars().count().max(*width);
            }
        }
        for (number, line) in lines.iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            let [name, cells @ .., rows] = line;
            let [name_width, cell_widths @ .., _] = widths;
            write!(f, "{name:name_width$}")?;
            for (cell, width) in cells.iter().zip(cell_widths) {
                write!(f, "  {cell:>width$}")?;
            }
            if !rows.is_empty() {
                write!(f, "  {rows}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Counters {
    /// A line for each subject.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "revision {}", self.revision)?;
        if self.file_bytes > 0 {
            write!(f, ", file {} B", self.file_bytes)?;
        }
        writeln!(f)?;
        if let Some(disk) = &self.disk {
            writeln!(f, "{disk}")?;
        }
        writeln!(f, "{}", self.commits)?;
        writeln!(f, "{}", self.seat)?;
        writeln!(f, "{}", self.versions)?;
        write!(f, "{}", self.watches)?;
        for table in &self.tables {
            write!(f, "\ntable {}: {} rows", table.name, table.rows)?;
            if table.watches.set > 0 {
                write!(f, ", {}", table.watches)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "disk: durable up to revision {}, in the trees up to {}; {} B in the journal; {} groups, {} checkpoints, {} syncs, {} B written",
            self.durable,
            self.checkpointed,
            self.journal_bytes,
            self.groups,
            self.checkpoints,
            self.syncs,
            self.bytes_written
        )
    }
}

impl fmt::Display for Commits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "commits: {}, of {} rows; aborted {}, refused {}",
            self.count, self.rows, self.aborted, self.refused
        )
    }
}

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "writer: held {}; waited for {}, {} waiting; {} slow; ",
            self.held, self.waited, self.waiting, self.slow
        )?;
        match &self.now {
            None => f.write_str("free"),
            Some(now) => {
                let thread = now.thread.as_deref().unwrap_or("without a name");
                write!(
                    f,
                    "now held for {:.1?} by thread {thread}, from {}",
                    now.held, now.began
                )
            }
        }
    }
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} times, {:.1?} in all, {:.1?} at most",
            self.count, self.total, self.longest
        )
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "versions held: {}", self.held)?;
        if let Some(oldest) = &self.oldest {
            write!(
                f,
                "; the oldest of revision {}, out of date for {:.1?}, pins {}",
                oldest.revision, oldest.age, oldest.pins
            )?;
        }
        write!(f, "; not freed yet: {}", self.unlinked)
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} nodes and {} rows, {} B",
            self.nodes, self.rows, self.bytes
        )
    }
}

impl fmt::Display for Watches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "watches: {} set, {} fired", self.set, self.fired)
    }
}
