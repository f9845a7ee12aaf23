//! What the benchmarks share: rounds, medians, a table on the screen, memory, random numbers.
//!
//! Absolute times are noisy; ratios within one run are not. So every structure is measured in turn, round by round, and medians are compared.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::cast_precision_loss,
    reason = "each benchmark takes what it needs"
)]

use std::hint::black_box;
use std::time::Instant;

/// The memory of this process in bytes, as the system counts it; zero where it does not say.
pub fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}

/// A small generator with a fixed seed (splitmix64, by Sebastiano Vigna): all structures see the same numbers.
#[derive(Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// 36 characters, as a UUID is written.
    pub fn id(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xFFFF,
            a & 0xFFFF,
            b >> 48,
            b & 0xFFFF_FFFF_FFFF
        )
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for index in (1..items.len()).rev() {
            items.swap(index, self.below(index + 1));
        }
    }
}

/// The time of `operations` operations, in ns for each.
pub fn time<R>(operations: usize, run: impl FnOnce() -> R) -> f64 {
    let start = Instant::now();
    black_box(run());
    start.elapsed().as_nanos() as f64 / operations as f64
}

/// Figures by operation and structure, one for each round.
pub struct Figures {
    pub name: &'static str,
    structures: Vec<&'static str>,
    rows: Vec<(String, &'static str, Vec<Vec<f64>>)>,
}

impl Figures {
    /// The first structure is the one that the others are compared with.
    pub fn new(name: &'static str, structures: &[&'static str]) -> Self {
        Self {
            name,
            structures: structures.to_vec(),
            rows: Vec::new(),
        }
    }

    pub fn add(
        &mut self,
        operation: impl Into<String>,
        unit: &'static str,
        structure: &str,
        figure: f64,
    ) {
        let operation = operation.into();
        let Some(place) = self.structures.iter().position(|other| *other == structure) else {
            return;
        };
        let known = self.rows.iter().position(|row| row.0 == operation);
        let row = known.unwrap_or(self.rows.len());
        if known.is_none() {
            self.rows
                .push((operation, unit, vec![Vec::new(); self.structures.len()]));
        }
        self.rows[row].2[place].push(figure);
    }

    /// Runs `operation` on each item and notes its time, in ns for each.
    pub fn run<I, R>(
        &mut self,
        name: &str,
        structure: &str,
        items: &[I],
        mut operation: impl FnMut(&I) -> R,
    ) {
        let figure = time(items.len(), || {
            for item in items {
                black_box(operation(item));
            }
        });
        self.add(name, "ns", structure, figure);
    }

    /// Prints medians for people, or with `--json` one line for each figure.
    pub fn print(&self) {
        if std::env::args().any(|argument| argument == "--json") {
            return self.print_json();
        }
        println!("\n{}", self.name);
        print!("{:38}{:>6}", "", "");
        for structure in &self.structures {
            print!("{structure:>16}");
        }
        for structure in self.structures.iter().skip(1) {
            print!("{:>20}", format!("{structure} / first"));
        }
        println!();
        for (operation, unit, figures) in &self.rows {
            print!("{operation:38}{unit:>6}");
            let medians: Vec<_> = figures.iter().map(|figures| median(figures)).collect();
            for median in &medians {
                print!(
                    "{:>16}",
                    median.map_or_else(|| "-".to_owned(), |median| format!("{median:.1}"))
                );
            }
            for median in medians.iter().skip(1) {
                let ratio = median.zip(medians[0]).map(|(other, first)| other / first);
                print!(
                    "{:>20}",
                    ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"))
                );
            }
            println!();
        }
    }

    fn print_json(&self) {
        for (operation, unit, figures) in &self.rows {
            for (structure, figures) in self.structures.iter().zip(figures) {
                if let Some(median) = median(figures) {
                    println!(
                        "{{\"benchmark\":\"{}\",\"operation\":\"{operation}\",\"unit\":\"{unit}\",\"structure\":\"{structure}\",\"median\":{median:.2}}}",
                        self.name
                    );
                }
            }
        }
    }
}

fn median(figures: &[f64]) -> Option<f64> {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

/// Bytes for each of `rows`.
pub fn each(bytes: usize, rows: usize) -> f64 {
    bytes as f64 / rows as f64
}

/// A number given as `--name N`, or its default.
pub fn option(name: &str, default: usize) -> usize {
    let arguments: Vec<String> = std::env::args().collect();
    let place = arguments.iter().position(|argument| argument == name);
    place
        .and_then(|place| arguments.get(place + 1)?.parse().ok())
        .unwrap_or(default)
}
