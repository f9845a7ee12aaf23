//! What sapwood must show, and whether it did.

use comfy_table::{Table, presets};

use crate::figures::{Figures, OURS};

/// What a figure of ours is held against.
pub(crate) enum Bar {
    /// The peer's figure is at least so many times ours: less is better.
    Times(&'static str, f64),
    /// Ours is at least so many times the peer's: more is better.
    More(&'static str, f64),
    /// Ours is at most so many times the peer's.
    Within(&'static str, f64),
    /// Ours is at most so many times our own other figure, in the same workload.
    TimesOwn(&'static str, f64),
    /// Ours is at most this, in this unit, at every size.
    AtMost(f64, &'static str),
    /// Ours is at least this, in this unit, at every size.
    AtLeast(f64, &'static str),
}

/// A workload, a metric of it, and what is asked of that.
pub(crate) type Asked = (&'static str, &'static str, Bar);

/// What was measured for a bar, and whether it holds; `None` where nothing was measured. Ratios are those at the first size that has them.
fn verdict(figures: &[Figures], (workload, metric, bar): &Asked) -> Option<(f64, bool)> {
    let ratio = |metric_of_other: &str, other: &str| {
        figures.iter().find_map(|one| {
            let ours = one.value(workload, metric, OURS)?;
            Some(ours / one.value(workload, metric_of_other, other)?)
        })
    };
    let all = || {
        let all = figures.iter();
        all.filter_map(|one| one.value(workload, metric, OURS))
    };
    match bar {
        Bar::Times(peer, least) => {
            let times = 1.0 / ratio(metric, peer)?;
            Some((times, times >= *least))
        }
        Bar::More(peer, least) => {
            let times = ratio(metric, peer)?;
            Some((times, times >= *least))
        }
        Bar::Within(peer, most) => {
            let times = ratio(metric, peer)?;
            Some((times, times <= *most))
        }
        Bar::TimesOwn(other, most) => {
            let times = ratio(other, OURS)?;
            Some((times, times <= *most))
        }
        Bar::AtMost(most, _) => {
            let worst = all().reduce(f64::max)?;
            Some((worst, worst <= *most))
        }
        Bar::AtLeast(least, _) => {
            let worst = all().reduce(f64::min)?;
            Some((worst, worst >= *least))
        }
    }
}

/// Prints the verdict on each bar.
pub(crate) fn print(bars: &[Asked], figures: &[Figures]) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["workload", "bar", "measured", "verdict"]);
    for bar in bars {
        let (workload, metric, kind) = bar;
        let asked = match kind {
            Bar::Times(peer, least) => format!("{peer} >= {least} x sapwood"),
            Bar::More(peer, least) => format!(">= {least} x {peer}"),
            Bar::Within(other, most) | Bar::TimesOwn(other, most) => format!("<= {most} x {other}"),
            Bar::AtMost(most, unit) => format!("<= {most} {unit}"),
            Bar::AtLeast(least, unit) => format!(">= {least} {unit}"),
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
