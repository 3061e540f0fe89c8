//! The table: cases down, locks across.

use std::fmt::Write;
use std::fs;
use std::thread::available_parallelism;

use crate::cases::Case;
use crate::cell::Cell;
use crate::locks::LockName;

pub struct Table(Vec<Vec<String>>);

impl Table {
    pub fn new(locks: &[LockName]) -> Self {
        let head = [String::new(), "should be".to_owned()];
        Self(vec![head.into_iter().chain(locks.iter().map(ToString::to_string)).collect()])
    }

    pub fn add(&mut self, case: &Case, cells: &[Cell]) {
        let head = [case.name.to_owned(), case.should_be.to_owned()];
        self.0.push(head.into_iter().chain(cells.iter().map(Cell::to_string)).collect());
    }

    fn widths(&self) -> Vec<usize> {
        let column = |n: usize| self.0.iter().map(|row| row[n].len()).max().unwrap_or(0);
        (0..self.0[0].len()).map(column).collect()
    }

    pub fn text(&self) -> String {
        let widths = self.widths();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        self.0.iter().map(|row| line(row) + "\n").collect::<String>() + &machine()
    }

    pub fn markdown(&self) -> String {
        let widths = self.widths();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
        };
        let mut table = line(&self.0[0]);
        let rule: Vec<_> = widths.iter().map(|width| "-".repeat(*width)).collect();
        writeln!(table, "|-{}-|", rule.join("-|-")).expect("a string takes it");
        table.extend(self.0[1..].iter().map(line));
        table + "\n" + &machine()
    }
}

/// Where the figures come from.
fn machine() -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let processors = available_parallelism().map_or(1, usize::from);
    format!("Linux {}, {processors} processors\n", kernel.trim())
}
