//! Tables for people to read.

use std::time::Duration;

/// Prints rows under heads, each column as wide as it must be.
pub fn print(heads: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([heads[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let cells = cells.iter().zip(&widths);
        let padded = cells.map(|(cell, width)| format!("{cell:<width$}"));
        let line = padded.collect::<Vec<_>>().join("  ");
        println!("  {}", line.trim_end());
    };
    line(heads.to_vec());
    for row in rows {
        line(row.iter().map(String::as_str).collect());
    }
}

/// Half of the values are at most the first of these, and 19 of 20 the second.
pub fn middle_and_most(values: &[Duration]) -> Option<(Duration, Duration)> {
    let mut values = values.to_vec();
    values.sort();
    let at = |share: f64| {
        let index = (values.len() as f64 * share).ceil() as usize;
        values.get(index.saturating_sub(1)).copied()
    };
    Some((at(0.5)?, at(0.95)?))
}
