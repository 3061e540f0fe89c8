//! Locks between processes under tokio.

use std::sync::Arc;
use std::time::Duration;

use bakery_lock::shared::{Error, Mutex, Options};
use tokio::time::{sleep, timeout};

fn mutex() -> Arc<Mutex<[u64; 2]>> {
    Arc::new(Options::new().anonymous([0, 0]).expect("memory for two counts"))
}

/// More tasks than threads, each of which holds the lock over an await.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_hold_it_over_an_await() {
    let both = mutex();
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let both = both.clone();
            tokio::spawn(async move {
                let mut counts = both.lock_async().await?;
                assert_eq!(counts[0], counts[1]);
                counts[0] += 1;
                tokio::task::yield_now().await;
                counts[1] += 1;
                Ok::<_, Error>(())
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic").expect("the lock");
    }
    assert_eq!(*both.lock().expect("the lock"), [50, 50]);
}

/// Whoever waits does not keep the executor's only thread.
#[tokio::test(flavor = "current_thread")]
async fn waiting_blocks_no_thread_of_the_executor() {
    let both = mutex();
    let held = both.lock_async().await.expect("it is free");
    let waits = tokio::spawn({
        let both = both.clone();
        async move { both.lock_async().await.map(|guard| guard[0]) }
    });
    sleep(Duration::from_millis(20)).await;
    assert!(!waits.is_finished());
    drop(held);
    assert_eq!(waits.await.expect("no panic").expect("the lock"), 0);
}

/// A timeout drops the future, which gives up its place.
#[tokio::test(flavor = "current_thread")]
async fn a_timeout_leaves_the_line() {
    let both = mutex();
    let held = both.lock().expect("it is free");
    assert!(timeout(Duration::from_millis(5), both.lock_async()).await.is_err());
    while !both.status().expect("a look").queue.is_empty() {
        sleep(Duration::from_millis(1)).await;
    }
    drop(held);
    assert!(both.try_lock().expect("a look").is_some());
}
