//! A struct shared between a parent and its child: anonymous memory, passed on as the child's
//! standard input.
//!
//! `cargo run --release --example parent_and_child`

use std::env;
use std::error::Error;
use std::io;
use std::os::fd::AsFd;
use std::process::{Command, ExitCode};

use bakery_lock::shared::{Mutex, Options};
use zerocopy::{FromBytes, IntoBytes};

#[derive(Debug, FromBytes, IntoBytes)]
#[repr(C)]
struct Account {
    balance: i64,
    transfers: u64,
}

const TRANSFERS: u64 = 10_000;

fn transfer(account: &Mutex<Account>, amount: i64) -> Result<(), Box<dyn Error>> {
    let mut me = account.join()?;
    for _ in 0..TRANSFERS {
        let mut account = me.lock()?;
        account.balance += amount;
        account.transfers += 1;
    }
    Ok(())
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    if env::args().nth(1).as_deref() == Some("child") {
        let account = Options::new().attach_fd(io::stdin().as_fd().try_clone_to_owned()?)?;
        transfer(&account, -3)?;
        return Ok(ExitCode::SUCCESS);
    }
    let account: Mutex<Account> = Options::new().anonymous(Account { balance: 0, transfers: 0 })?;
    let mut child = Command::new(env::current_exe()?)
        .arg("child")
        .stdin(account.as_fd().try_clone_to_owned()?)
        .spawn()?;
    transfer(&account, 5)?;
    let child = child.wait()?;
    let mut me = account.join()?;
    let end = me.lock()?;
    println!("{:?}", *end);
    let right = child.success() && end.balance == 20_000 && end.transfers == 2 * TRANSFERS;
    Ok(if right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
