//! Participants whose descriptor is sent to a process that has no part in where it comes from: neither
//! is the other's parent, and they have nothing in common but a Unix socket.

use std::io::{IoSlice, IoSliceMut};
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use bakery_lock::shared::{Kind, Mutex, Resumed};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use crate::child::{Child, hear, say};
use crate::data::{Ledger, Shared, attach};
use crate::handed::{A_WHILE, is_told, servant};

fn send(path: &Path, descriptor: impl AsFd) {
    let socket = UnixDatagram::unbound().unwrap();
    socket.connect(path).unwrap();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors = [descriptor.as_fd()];
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)));
    sendmsg(&socket, &[IoSlice::new(b"!")], &mut ancillary, SendFlags::empty()).unwrap();
}

fn receive(socket: &UnixDatagram) -> OwnedFd {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(socket, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::empty()).unwrap();
    let sent = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    sent.expect("a descriptor")
}

/// Goes in, and sends its descriptor: hands itself over, or stays who it is.
pub fn sends_itself(arguments: &[&str]) {
    let [path, socket, how] = arguments else { panic!("PATH SOCKET HOW") };
    let mutex: Mutex<Ledger> = attach(path);
    let mut me = mutex.join().unwrap();
    let mut guard = me.lock().unwrap();
    guard.left += 1;
    say(&guard.token().to_string());
    mem::forget(guard);
    if *how == "hands itself over" {
        send(Path::new(socket), me.hand_over().unwrap());
    } else {
        send(Path::new(socket), me.hold_by_descriptor().unwrap());
    }
    say("sent");
    hear();
}

/// Has a socket, and does what it is told with what is sent there.
pub fn is_sent_one(arguments: &[&str]) {
    let [path, socket] = arguments else { panic!("PATH SOCKET") };
    let mutex: Mutex<Ledger> = attach(path);
    let socket = UnixDatagram::bind(socket).unwrap();
    say("here");
    assert_eq!(hear().as_deref(), Some("receive"));
    let descriptor = receive(&socket);
    say("received");
    match hear().as_deref() {
        Some("close") => {
            drop(descriptor);
            say("closed");
        }
        Some("adopt") => {
            let mut me = mutex.adopt(descriptor).unwrap();
            let Resumed::Inside(mut guard) = me.resume().unwrap() else { panic!("it was inside") };
            say(&guard.token().to_string());
            hear();
            guard.right += 1;
            drop(guard);
            say("out");
        }
        other => panic!("{other:?}"),
    }
    hear();
}

struct Scene {
    shared: Shared<Ledger>,
    sender: Child,
    receiver: Child,
    other: Child,
    token: String,
}

/// One has been sent, and not received.
fn sent(how: &str) -> Scene {
    let shared = Shared::<Ledger>::new(Kind::Bakery, 4);
    let socket: PathBuf = shared.path.with_file_name("socket");
    let socket = socket.to_str().unwrap();
    let receiver = Child::start("is sent one", &[shared.path(), socket]);
    receiver.expect("here");
    let sender = Child::start("sends itself", &[shared.path(), socket, how]);
    let token = sender.hear();
    sender.expect("sent");
    let other = servant(&shared);
    Scene { shared, sender, receiver, other, token }
}

#[test]
fn one_that_was_sent_over_a_socket_goes_on_there() {
    let Scene { shared, sender, mut receiver, mut other, token } = sent("hands itself over");
    // Nobody has it but the socket.
    sender.kill();
    assert_eq!(other.ask(A_WHILE), "no");
    assert_eq!(receiver.ask("receive"), "received");
    assert_eq!(other.ask(A_WHILE), "no");
    assert_eq!(receiver.ask("adopt"), token);
    assert_eq!(shared.mutex.status().unwrap().holder.unwrap().pid, receiver.pid());
    assert_eq!(other.ask(A_WHILE), "no");
    assert_eq!(receiver.ask("leave"), "out");
    assert_eq!(other.ask("lock"), "in");
    assert_eq!(other.ask("leave"), "out");
    shared.peek(|ledger| assert_eq!((ledger.left, ledger.right), (2, 2)));
    assert_eq!(shared.mutex.status().unwrap().recoveries, 0);
}

#[test]
fn one_that_was_sent_over_a_socket_dies_where_it_went_on() {
    let Scene { shared: _shared, sender, mut receiver, mut other, token, .. } =
        sent("hands itself over");
    assert_eq!(receiver.ask("receive"), "received");
    assert_eq!(receiver.ask("adopt"), token);
    sender.kill();
    assert_eq!(other.ask(A_WHILE), "no");
    let process = receiver.pid();
    receiver.kill();
    is_told(&mut other, &format!("process {process} "));
}

#[test]
fn a_socket_with_one_that_nobody_receives_keeps_it_alive_until_it_is_gone() {
    let Scene { shared: _shared, sender, receiver, mut other, token: _ } =
        sent("hands itself over");
    let process = sender.pid();
    sender.kill();
    assert_eq!(other.ask(A_WHILE), "no");
    receiver.kill();
    is_told(&mut other, &format!("process {process} "));
}

/// It lives on in a program that knows nothing of it, until that closes what it was sent.
#[test]
fn one_that_was_killed_lives_where_its_descriptor_was_sent() {
    let Scene { shared, sender, mut receiver, mut other, token: _ } = sent("stays who it is");
    assert_eq!(receiver.ask("receive"), "received");
    let process = sender.pid();
    sender.kill();
    assert_eq!(other.ask(A_WHILE), "no");
    let status = shared.mutex.status().unwrap();
    let holder = status.holder.unwrap();
    assert_eq!((holder.pid, holder.held_by_descriptor, status.dead), (process, true, vec![]));
    assert_eq!(receiver.ask("close"), "closed");
    is_told(&mut other, &format!("process {process} "));
    receiver.finish();
}

/// Closing what was sent is not leaving.
#[test]
fn one_whose_descriptor_was_sent_lives_on_where_it_came_from() {
    let Scene { shared: _shared, sender, mut receiver, mut other, token: _ } =
        sent("stays who it is");
    assert_eq!(receiver.ask("receive"), "received");
    assert_eq!(receiver.ask("close"), "closed");
    receiver.finish();
    assert_eq!(other.ask(A_WHILE), "no");
    let process = sender.pid();
    sender.kill();
    is_told(&mut other, &format!("process {process} "));
}
