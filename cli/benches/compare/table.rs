//! The table.

use std::io::{Write as _, stdout};

use crate::Limits;
use crate::tools::Tool;
use crate::{cost, crowd, signals};

pub struct Column {
    /// By which it is asked for.
    pub name: &'static str,
    pub title: &'static str,
    measure: fn(&Tool, Limits) -> String,
}

pub const COLUMNS: [Column; 7] = [
    Column { name: "order", title: "pairs out of order", measure: crowd::order },
    Column { name: "writer", title: "a writer is passed by readers", measure: crowd::writer },
    Column { name: "retries", title: "`-w .3` again and again gets in", measure: crowd::retries },
    Column { name: "killed", title: "SIGKILLed: the next one is in", measure: signals::killed },
    Column { name: "daemon", title: "a daemon keeps it", measure: signals::daemon },
    Column { name: "term", title: "TERM reaches the command", measure: signals::term },
    Column { name: "cost", title: "cost, flock = 1", measure: cost::cost },
];

/// A row after the other, as they come.
pub fn print(tools: &[Tool], columns: &[&Column], limits: Limits) {
    let titles: Vec<&str> = columns.iter().map(|column| column.title).collect();
    println!("\n| | {} |\n|---|{}", titles.join(" | "), "---|".repeat(columns.len()));
    for tool in tools {
        print!("| {} |", tool.name);
        for column in columns {
            print!(" {} |", (column.measure)(tool, limits));
            let _ = stdout().flush();
        }
        println!();
    }
    println!();
}
