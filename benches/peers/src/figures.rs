//! What was measured, for people and for programs.

use std::borrow::Cow;
use std::path::Path;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::json;

use crate::Failure;

/// The store that the others are compared with.
pub(crate) const OURS: &str = "sapwood";

type Name = Cow<'static, str>;

/// One figure of one store.
struct Figure {
    workload: Name,
    metric: Name,
    unit: Name,
    store: Name,
    value: f64,
}

/// All figures of a suite at one size, in the order in which they came.
pub(crate) struct Figures {
    suite: &'static str,
    rows: usize,
    all: Vec<Figure>,
}

impl Figures {
    pub(crate) fn new(suite: &'static str, rows: usize) -> Self {
        Self {
            suite,
            rows,
            all: Vec::new(),
        }
    }

    pub(crate) fn add(
        &mut self,
        store: impl Into<Name>,
        workload: impl Into<Name>,
        (metric, unit): (impl Into<Name>, impl Into<Name>),
        value: f64,
    ) {
        self.all.push(Figure {
            workload: workload.into(),
            metric: metric.into(),
            unit: unit.into(),
            store: store.into(),
            value,
        });
    }

    /// What a store had in this.
    pub(crate) fn value(&self, workload: &str, metric: &str, store: &str) -> Option<f64> {
        let mut figures = self.all.iter();
        let wanted = (workload, metric, store);
        let figure =
            figures.find(|figure| (&*figure.workload, &*figure.metric, &*figure.store) == wanted);
        figure.map(|figure| figure.value)
    }

    /// What was measured, each once, with the figures of the stores.
    fn lines(&self) -> Vec<(&Figure, Vec<(&str, f64)>)> {
        let mut lines: Vec<(&Figure, Vec<(&str, f64)>)> = Vec::new();
        for figure in &self.all {
            let same = |line: &&mut (&Figure, _)| {
                (&line.0.workload, &line.0.metric) == (&figure.workload, &figure.metric)
            };
            match lines.iter_mut().find(same) {
                Some(line) => line.1.push((&figure.store, figure.value)),
                None => lines.push((figure, vec![(&figure.store, figure.value)])),
            }
        }
        lines
    }

    /// A table of all stores, with each one's figure and how many times ours it is.
    pub(crate) fn print(&self) {
        let mut stores: Vec<&str> = Vec::new();
        for figure in &self.all {
            if !stores.contains(&&*figure.store) {
                stores.push(&figure.store);
            }
        }
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY);
        let names = stores.iter().map(|&store| store.to_owned());
        let head = [
            format!("{}, {} rows", self.suite, self.rows),
            "unit".to_owned(),
        ];
        table.set_header(head.into_iter().chain(names));
        for (figure, values) in self.lines() {
            let ours = values.iter().find(|(store, _)| *store == OURS);
            let cells = stores.iter().map(|store| {
                let Some((_, value)) = values.iter().find(|(name, _)| name == store) else {
                    return "-".to_owned();
                };
                match ours {
                    Some((_, ours)) if *store != OURS && *ours > 0.0 => {
                        format!("{} ({:.1}x)", short(*value), value / ours)
                    }
                    _ => short(*value),
                }
            });
            let name = format!("{}: {}", figure.workload, figure.metric);
            table.add_row([name, figure.unit.to_string()].into_iter().chain(cells));
        }
        for column in table.column_iter_mut().skip(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        println!("{table}");
    }

    /// One object for each figure of a peer, beside ours; `ratio` is how many times ours the peer's is.
    fn json(&self) -> Vec<serde_json::Value> {
        let rows = self.lines().into_iter().flat_map(|(figure, values)| {
            let ours = values.iter().find(|(store, _)| *store == OURS);
            let ours = ours.map(|(_, value)| *value);
            let mut peers: Vec<(Option<&str>, Option<f64>)> = Vec::new();
            for (store, value) in values {
                if store != OURS {
                    peers.push((Some(store), Some(value)));
                }
            }
            if peers.is_empty() {
                peers.push((None, None));
            }
            peers.into_iter().map(move |(peer, value)| {
                json!({
                    "suite": self.suite,
                    "rows": self.rows,
                    "workload": figure.workload,
                    "metric": figure.metric,
                    "unit": figure.unit,
                    "sapwood": ours,
                    "peer": peer,
                    "peer_value": value,
                    "ratio": ours.zip(value).map(|(ours, value)| value / ours),
                })
            })
        });
        rows.collect()
    }
}

/// Writes all figures of several suites into one file.
pub(crate) fn write_json(all: &[Figures], path: &Path) -> Result<(), Failure> {
    let rows: Vec<_> = all.iter().flat_map(Figures::json).collect();
    std::fs::write(path, serde_json::to_string_pretty(&rows)?)?;
    Ok(())
}

/// Three figures or so.
fn short(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// The middle one.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
