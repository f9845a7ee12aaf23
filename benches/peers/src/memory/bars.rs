//! What sapwood must show, and whether it did.

use comfy_table::{Table, presets};

use crate::figures::{Figures, OURS};

/// What a figure is held against.
enum Bar {
    /// The peer's figure is at least so many times ours.
    Times(&'static str, f64),
    /// Ours is at most this, at every size.
    AtMost(f64),
    /// Ours is at most so many times our own other figure, in the same workload.
    TimesOwn(&'static str, f64),
}

const BARS: [(&str, &str, Bar); 19] = [
    ("point read", "read", Bar::Times("go-memdb", 8.0)),
    ("point read", "read", Bar::Times("statedb", 4.0)),
    ("point read", "read", Bar::Times("imbl", 3.5)),
    ("bulk insert", "a row", Bar::Times("go-memdb", 8.0)),
    ("bulk insert", "a row", Bar::Times("statedb", 3.0)),
    (UPDATE, "update", Bar::Times("go-memdb", 15.0)),
    (UPDATE, "update", Bar::Times("statedb", 10.0)),
    ("list by node", "list", Bar::Times("go-memdb", 10.0)),
    ("list by node", "list", Bar::Times("statedb", 10.0)),
    ("full scan", "a row", Bar::Times("go-memdb", 6.0)),
    ("full scan", "a row", Bar::Times("statedb", 6.0)),
    ("full scan", "a row", Bar::Times("BTreeMap", 2.0)),
    ("memory a row", BARE, Bar::Times("go-memdb", 6.0)),
    ("memory a row", BARE, Bar::Times("statedb", 4.0)),
    (WAKE, "on one thread", Bar::Times("go-memdb", 10.0)),
    (WAKE, "on one thread", Bar::Times("statedb", 10.0)),
    (SET, "update and wake", Bar::Times("go-memdb", 20.0)),
    (COUNT, "count", Bar::AtMost(1000.0)),
    (
        super::GROWN.0,
        super::GROWN.2,
        Bar::TimesOwn(super::GROWN.1, 2.0),
    ),
];

const UPDATE: &str = "update, an indexed field";
const BARE: &str = "3 indexes, without the row itself";
const WAKE: &str = "watch a row, update it, wake";
const SET: &str = "10,000 watches in one set, one fires";
const COUNT: &str = "count of a tenth of all rows";

/// What was measured for a bar, and whether it holds; `None` where nothing was measured.
fn verdict(
    figures: &[Figures],
    (workload, metric, bar): &(&str, &str, Bar),
) -> Option<(f64, bool)> {
    let first = figures.first()?;
    let ours = first.value(workload, metric, OURS);
    match bar {
        Bar::Times(peer, least) => {
            let ratio = first.value(workload, metric, peer)? / ours?;
            Some((ratio, ratio >= *least))
        }
        Bar::AtMost(most) => {
            let all = figures.iter();
            let worst = all.filter_map(|one| one.value(workload, metric, OURS));
            let worst = worst.reduce(f64::max)?;
            Some((worst, worst <= *most))
        }
        Bar::TimesOwn(other, most) => {
            let ratio = ours? / first.value(workload, other, OURS)?;
            Some((ratio, ratio <= *most))
        }
    }
}

/// Prints the verdict on each bar: ratios at the first size, absolute ones at all.
pub(super) fn print(figures: &[Figures]) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["workload", "bar", "measured", "verdict"]);
    for bar in &BARS {
        let (workload, metric, kind) = bar;
        let asked = match kind {
            Bar::Times(peer, least) => format!(">= {least} x {peer}"),
            Bar::AtMost(most) => format!("<= {most} ns"),
            Bar::TimesOwn(other, most) => format!("<= {most} x {other}"),
        };
        let (measured, verdict) = match verdict(figures, bar) {
            Some((measured, true)) => (format!("{measured:.2}"), "holds"),
            Some((measured, false)) => (format!("{measured:.2}"), "DOES NOT HOLD"),
            None => ("-".to_owned(), "not measured"),
        };
        table.add_row([
            format!("{workload}: {metric}"),
            asked,
            measured,
            verdict.to_owned(),
        ]);
    }
    println!("{table}");
}
