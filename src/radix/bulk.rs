//! Building a tree from sorted keys: top down, without copying, with full buckets.

use super::digit::{SPAN, common, digit};
use super::make::{Child, Entry, bucket, inner};
use super::node::{MAX_CHILDREN, MAX_ROWS, MAX_TAILS, Node, Tails};
use super::pool::Pool;
use super::row::Handle;
use super::unpacked::separator;

/// A key and the row it leads to.
pub(super) type Pair<'k> = (&'k [u8], Handle);

/// Some pairs that still have to become a node, and where that belongs: a child's place, or the root.
struct Job {
    from: usize,
    to: usize,
    start: usize,
    place: Option<(Node, usize)>,
}

/// Makes a tree of pairs in strictly ascending order of their keys, of at most [`node::MAX_KEY`] bytes. O(rows).
pub(super) fn build(pairs: &[Pair<'_>], birth: u64, pool: &mut Pool) -> Option<Node> {
    let mut root = None;
    let mut jobs = Vec::new();
    if !pairs.is_empty() {
        jobs.push(Job {
            from: 0,
            to: pairs.len(),
            start: 0,
            place: None,
        });
    }
    while let Some(job) = jobs.pop() {
        let rows = &pairs[job.from..job.to];
        let node = match leaf(rows, job.start, birth, pool) {
            Some(bucket) => bucket,
            None => branch(rows, &job, birth, pool, &mut jobs),
        };
        match job.place {
            // SAFETY: made by this function, seen by nobody else, and with this many children.
            Some((parent, index)) => unsafe { parent.set_child(index, node) },
            None => root = Some(node),
        }
    }
    root
}

/// What the first and last key share is what all share.
fn shared(rows: &[Pair<'_>]) -> usize {
    match rows {
        [only] => only.0.len(),
        [first, .., last] => common(first.0, last.0),
        [] => 0,
    }
}

fn leaf(rows: &[Pair<'_>], start: usize, birth: u64, pool: &mut Pool) -> Option<Node> {
    if rows.len() > MAX_ROWS {
        return None;
    }
    let stop = shared(rows);
    let tails = Tails::of(
        rows.iter()
            .map(|(key, _)| key.len().saturating_sub(stop + SPAN)),
    );
    if rows.len() > 1 && tails.bytes > MAX_TAILS {
        return None;
    }
    let entries = rows.iter().map(|&(key, row)| Entry {
        head: digit(key, stop),
        tail: key.get(stop + SPAN..).unwrap_or_default(),
        row,
    });
    let prefix = &rows.first()?.0[start..stop];
    Some(bucket(birth, start, prefix, entries, tails, pool))
}

/// An inner node whose children are jobs still to be done.
fn branch(rows: &[Pair<'_>], job: &Job, birth: u64, pool: &mut Pool, jobs: &mut Vec<Job>) -> Node {
    let stop = shared(rows);
    let cuts = cuts(rows, stop);
    let children: Vec<Child> = cuts
        .windows(2)
        .map(|cut| Child {
            bound: if cut[0] == 0 {
                0
            } else {
                separator(rows[cut[0] - 1].0, rows[cut[0]].0, stop)
            },
            node: Node::dangling(),
            count: (cut[1] - cut[0]) as u32,
        })
        .collect();
    let node = inner(
        birth,
        job.start,
        &rows[0].0[job.start..stop],
        &children,
        pool,
    );
    jobs.extend(cuts.windows(2).enumerate().map(|(index, cut)| Job {
        from: job.from + cut[0],
        to: job.from + cut[1],
        start: stop,
        place: Some((node, index)),
    }));
    node
}

/// Cuts rows into 2 to [`MAX_CHILDREN`] pieces where the digit at `stop` changes, of a size that fills what is below them.
fn cuts(rows: &[Pair<'_>], stop: usize) -> Vec<usize> {
    let len = rows.len();
    let mut piece = MAX_ROWS;
    while piece * MAX_CHILDREN < len {
        piece *= MAX_CHILDREN;
    }
    loop {
        piece = piece.min(len.div_ceil(2));
        let mut cuts = vec![0];
        let mut from = 0;
        while from < len {
            from = next_cut(rows, stop, from, from + piece);
            cuts.push(from);
        }
        // Two pieces side by side are longer than `piece`, so that this ends.
        if cuts.len() - 1 <= MAX_CHILDREN {
            return cuts;
        }
        piece *= 2;
    }
}

/// The last change of digit in `from + 1 ..= wanted`, or the first behind it, or the end.
fn next_cut(rows: &[Pair<'_>], stop: usize, from: usize, wanted: usize) -> usize {
    let Some(here) = rows.get(wanted).map(|row| digit(row.0, stop)) else {
        return rows.len();
    };
    let run = from + rows[from..wanted].partition_point(|row| digit(row.0, stop) < here);
    if run > from {
        return run;
    }
    wanted + rows[wanted..].partition_point(|row| digit(row.0, stop) == here)
}
