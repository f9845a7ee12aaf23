//! A chart of block characters.

use std::fmt::Write;

const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const HEIGHT: u32 = 6;

/// Draws shares from 0 to 1, a column for each; the scale ends at the next ten percent above the greatest, or the next percent below ten.
pub fn chart(title: &str, shares: &[f64], begin: &str, end: &str) -> String {
    let greatest = shares.iter().copied().fold(0.0, f64::max);
    let steps = if greatest > 0.1 { 10.0 } else { 100.0 };
    let top = (greatest * steps).ceil().max(1.0) / steps;
    let mut chart = format!("{title}\n");
    for row in (0..HEIGHT).rev() {
        let label = match row {
            0 => "  0 %".to_owned(),
            _ if row == HEIGHT - 1 => format!("{:>3.0} %", top * 100.0),
            _ => String::new(),
        };
        let columns: String = shares
            .iter()
            .map(|share| {
                // What of the column is in this row, in eighths of it.
                let eighths = (share / top * f64::from(HEIGHT) - f64::from(row)) * 8.0;
                BLOCKS[eighths.round().clamp(0.0, 8.0) as usize]
            })
            .collect();
        // Writing to a string cannot fail.
        let _ = writeln!(chart, "{label:>6} ┤{}", columns.trim_end());
    }
    let _ = writeln!(chart, "       └{}", "─".repeat(shares.len()));
    let gap = shares.len().saturating_sub(begin.len());
    let _ = writeln!(chart, "        {begin}{end:>gap$}");
    chart
}
