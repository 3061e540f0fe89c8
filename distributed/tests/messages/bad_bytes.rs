//! Bytes that no node sends: they cost whoever sends them its connection, and nobody else anything.

use std::thread;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use bakery_distributed::algorithm::Event;
use bakery_distributed::node::Run;
use bakery_distributed::transport::{LONGEST, decode};

use crate::cluster::{Cluster, directory, tcp};
use crate::impostor::{Impostor, frame, introduction, message};

fn name<A: Run>() -> String {
    format!("{} ", A::NAME)
}

pub fn of_strangers_cost_them_their_connection_and_nobody_else_anything<A: Run>() -> Result<()> {
    let addresses = tcp(3);
    let nodes = Cluster::at::<A>(vec![addresses.join(","); 3], directory()?);
    let mut nodes = nodes.patient().started()?;
    (0..3).try_for_each(|node| nodes.meet(node, 2))?;
    (0..3).try_for_each(|node| nodes.ask(node, "pass 40"))?;
    let mut strangers = Vec::new();
    for (address, to) in addresses.iter().zip(0..) {
        for bytes in strange::<A>(to) {
            strangers.push(Impostor::says(address, &bytes)?);
        }
    }
    (0..3).try_for_each(|node| nodes.hear(node, "passed"))?;
    strangers.into_iter().try_for_each(Impostor::hears_the_end)?;
    ensure!(nodes.finish(1)? == 123);
    Ok(())
}

/// What somebody says who is no node.
fn strange<A: Run>(to: u8) -> Vec<Vec<u8>> {
    let name = name::<A>();
    let mut all = vec![
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0xff; 100_000],
        vec![0; 100_000],
        frame(&[3]),
        frame(&[1; 14]),
        // Nodes that cannot be, or are of another kind, or connect to the wrong one.
        introduction("another ", to, 2, 9),
        introduction(&name, to, to, 9),
        introduction(&name, to, 3, 9),
        introduction(&name, to, 200, 9),
        introduction(&name, to + 1, 2, 9),
        // A life that is over.
        introduction(&name, to, 2, 0),
    ];
    let whole = introduction(&name, to, 2, 9);
    let mut random = fastrand::Rng::with_seed(1);
    for length in 4..50 {
        // No frame is as long as these say.
        let mut bytes: Vec<_> = (0..length).map(|_| random.u8(..)).collect();
        bytes[0] |= 1;
        all.push(bytes);
        // A bit of the introduction is another: not of the last ones, by which it could be a later life.
        let mut bytes = whole.clone();
        bytes[random.usize(4..whole.len() - 15)] ^= 1 << random.u8(..8);
        all.push(bytes);
    }
    all
}

/// One that says well who it is, and is not.
pub fn of_a_node_cost_it_its_connection<A: Run>() -> Result<()> {
    let addresses = tcp(3);
    let mut nodes = Cluster::at::<A>(vec![addresses.join(","); 3], directory()?).patient();
    (0..2).try_for_each(|node| nodes.begin(node))?;
    nodes.meet(0, 1)?;
    let mut random = fastrand::Rng::with_seed(2);
    let whole = introduction(&name::<A>(), 0, 2, 1);
    let mut received = vec![2];
    received.extend(1_000_000_u64.to_be_bytes());
    let length = u32::try_from(LONGEST + 1)?.to_be_bytes();
    let mut all = vec![
        whole.clone(),
        frame(&received),
        frame(&[4]),
        frame(&[]),
        frame(&[3, 3]),
        length.to_vec(),
        u32::MAX.to_be_bytes().to_vec(),
        // The second message before the first one; one that means nothing; one of which there is more.
        message(2, &[2]),
        message(1, &[]),
        message(1, &[200]),
        message(1, &[0xff; 100]),
        message(u64::MAX, &[2]),
    ];
    all.extend(impossible::<A>().iter().map(|bytes| message(1, bytes)));
    for length in 1..30 {
        let mut bytes: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
        // No kind of message has such a number.
        bytes[0] |= 0x80;
        all.push(message(1, &bytes));
    }
    for bytes in all {
        let mut impostor = Impostor::let_in(&addresses[0], &whole)?;
        // It may be hung up on before it has said all.
        let _ = impostor.goes_on(&bytes);
        impostor.hears_the_end()?;
    }
    // The others have noticed nothing: once the third one begins, in a later life than the impostor, all pass.
    nodes.begin(2)?;
    nodes.kill(2);
    nodes.begin(2)?;
    let number = nodes.finish(5)?;
    ensure!(number == 15, "{number} passages");
    Ok(())
}

/// Half a frame is silence, wherever it ends; and so is one that is said too slowly.
pub fn half_of_them_cost_whoever_stops_there_its_connection<A: Run>() -> Result<()> {
    let addresses = tcp(3);
    let nodes = Cluster::at::<A>(vec![addresses.join(","); 3], directory()?);
    let mut nodes = nodes.impatient();
    (0..2).try_for_each(|node| nodes.begin(node))?;
    nodes.meet(0, 1)?;
    let whole = introduction(&name::<A>(), 0, 2, 1);
    let stops = |end| Impostor::says(&addresses[0], &whole[..end]);
    let mut silent = (0..whole.len()).map(stops).collect::<Result<Vec<_>>>()?;
    // One that says who it is, too slowly.
    let mut slow = Impostor::says(&addresses[0], &[])?;
    let slowly = thread::spawn(move || {
        for byte in frame(&[0; 500]) {
            if !slow.goes_on(&[byte]) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(100));
        }
        bail!("it is heard to its end")
    });
    let mut impostor = Impostor::let_in(&addresses[0], &whole)?;
    ensure!(impostor.goes_on(&frame(&[1; 100])[..50]));
    silent.push(impostor);
    silent.into_iter().try_for_each(Impostor::hears_the_end)?;
    slowly.join().expect("it speaks")?;
    nodes.begin(2)?;
    nodes.kill(2);
    nodes.begin(2)?;
    let number = nodes.finish(5)?;
    ensure!(number == 15, "{number} passages");
    Ok(())
}

/// Messages that can be read, and are none.
fn impossible<A: Run>() -> Vec<Vec<u8>> {
    let mut random = fastrand::Rng::with_seed(4);
    let any = std::iter::repeat_with(move || bytes(&mut random));
    let is_one =
        |bytes: &Vec<u8>| decode(bytes).is_some_and(|message| !A::is_possible(&message, 3));
    any.filter(is_one).take(20).collect()
}

/// Something that may be a message, of numbers that are small or at their bounds.
fn bytes(random: &mut fastrand::Rng) -> Vec<u8> {
    let byte = |random: &mut fastrand::Rng| [0, 0, random.u8(..4), 0xff][random.usize(..4)];
    let mut bytes: Vec<_> = (0..random.usize(1..48)).map(|_| byte(random)).collect();
    bytes[0] = random.u8(..8);
    bytes
}

/// Messages at random, but such that each can be read, in whatever order.
pub fn whatever_a_node_can_read_does_not_end_it<A: Run>() -> Result<()> {
    let mut random = fastrand::Rng::with_seed(3);
    let (mut taken, mut read) = (0, 0);
    for _ in 0..200 {
        let mut node = A::begin(random.u8(..3), 3, 1, A::Memory::default());
        for _ in 0..2000 {
            let Some(message) = decode(&bytes(&mut random)) else { continue };
            read += 1;
            if A::is_possible(&message, 3) {
                taken += 1;
                node.step(Event::Came { from: random.u8(..3), message });
            }
            if random.u8(..8) == 0 {
                node.step(Event::Alarm);
            }
        }
    }
    ensure!(taken > 100, "{taken} messages of {read} were taken");
    Ok(())
}

/// Nobody is hung up on by how long it is silent: it takes too long here.
pub fn many_that_say_nothing_keep_no_node_out<A: Run>() -> Result<()> {
    let addresses = tcp(2);
    let mut nodes = Cluster::at::<A>(vec![addresses.join(","); 2], directory()?).patient();
    nodes.begin(0)?;
    let says_nothing = |_| Impostor::says(&addresses[0], &[]);
    let strangers = (0..400).map(says_nothing).collect::<Result<Vec<_>>>()?;
    nodes.begin(1)?;
    let number = nodes.finish(5)?;
    ensure!(number == 10, "{number} passages");
    drop(strangers);
    Ok(())
}
