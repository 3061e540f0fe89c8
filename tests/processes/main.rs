//! Locks between processes, with real processes, as far as a user of the public interface may rely
//! on them.
#![cfg(all(feature = "shared", target_os = "linux"))]

#[macro_use]
mod every;
mod child;
mod data;
mod obey;

mod attempts;
mod bells;
mod deaths;
mod ends;
mod exclusion;
mod forks;
mod futures;
mod handed;
mod harmless;
mod leaks;
mod lives;
mod order;
mod owned;
mod poisoning;
mod requests;
mod room;
mod slots;
mod sockets;
mod status;

/// What this program does when another test has started it again; by itself it does nothing.
#[test]
fn child() {
    child::play(&[
        ("obeys", obey::obeys),
        ("is one of many", bells::is_one_of_many),
        ("comes and goes, and stays", bells::comes_and_goes_and_stays),
        ("has a child that goes in", bells::has_a_child_that_goes_in),
        ("can have no thread", bells::can_have_no_thread),
        ("adds", exclusion::adds),
        ("logs", order::logs),
        ("forks", forks::forks),
        ("forks with idle ones", owned::forks_with_idle_ones),
        ("dies inside", poisoning::dies_inside),
        ("joins again and again", slots::joins_again_and_again),
        ("fills up", slots::fills_up),
        ("joins once", slots::joins_once),
        ("comes and goes", slots::comes_and_goes),
        ("locks bytes", slots::locks_bytes),
        ("leaks nothing", leaks::leaks_nothing),
        ("attaches again and again", leaks::attaches_again_and_again),
        ("is survived by a child", lives::is_survived_by_a_child),
        ("ends its main thread", lives::ends_its_main_thread),
        ("stays and adds", room::stays_and_adds),
        ("waits for room", room::waits_for_room),
        ("runs a command", handed::runs_a_command),
        ("becomes another program with it", handed::becomes_another_program_with_it),
        ("goes on", handed::goes_on),
        ("sends itself", sockets::sends_itself),
        ("is sent one", sockets::is_sent_one),
        ("is harmless", harmless::is_harmless),
        ("forks twice", handed::forks_twice),
        ("forks while it is held", handed::forks_while_it_is_held),
        ("opens and closes", lives::opens_and_closes),
        ("handles signals", lives::handles_signals),
        ("becomes another program", lives::becomes_another_program),
    ]);
}
