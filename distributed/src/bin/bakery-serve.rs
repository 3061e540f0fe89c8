//! A lock service: `bakery-serve FILE`. The file says what it is to do.

use std::path::Path;
use std::process::ExitCode;

use bakery_distributed::service::Config;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpListener;

const USE: &str = "bakery-serve FILE: a lock service, as the file says; see docs/service.md";

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let failed = match &*words {
        [word] if word == "--help" => {
            println!("{USE}");
            return ExitCode::SUCCESS;
        }
        [file] => match serve(Path::new(file)) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(why) => why.to_string(),
        },
        _ => USE.to_owned(),
    };
    eprintln!("bakery-serve: {failed}");
    ExitCode::FAILURE
}

fn serve(file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::read(file)?;
    // A connection is an open file, and usually only 1,024 are allowed before one asks.
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let service = config.service()?;
        let listener = TcpListener::bind(&config.listen).await;
        let listener = listener.map_err(|why| format!("{}: {why}", config.listen))?;
        println!("listening on {}", listener.local_addr()?);
        service.serve(listener).await;
        Ok(())
    })
}
