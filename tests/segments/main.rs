//! Segments, as far as a user of the public interface may rely on them: that they are made once,
//! found again, and refused when they are not what they ought to be.
#![cfg(all(feature = "shared", target_os = "linux"))]

#[expect(dead_code, reason = "the tests of the locks themselves use the rest of it")]
#[path = "../processes/child.rs"]
mod child;
#[expect(unused_macros, reason = "as above")]
#[macro_use]
#[path = "../processes/every.rs"]
mod every;
#[macro_use]
mod outcome;
mod forgery;

mod anonymous;
mod data;
mod drafts;
mod emptied;
mod environment;
mod files;
mod headers;
mod hostile;
mod mounts;
mod named;
mod old_kernel;
mod power;
mod races;
mod removal;
mod restarts;
mod room;
mod servant;
mod tokens;
mod users;

/// What this program does when another test has started it again; by itself it does nothing.
#[test]
fn child() {
    child::play(&[
        ("opens", races::opens),
        ("opens by name", named::opens_by_name),
        ("is refused by name", named::is_refused_by_name),
        ("adopts", anonymous::adopts),
        ("is cut off", files::is_cut_off),
        ("reads noise", headers::reads_noise),
        ("meets scribbles", hostile::meets_scribbles),
        ("meets every change", hostile::meets_every_change),
        ("races", removal::races),
        ("uses one", removal::uses_one),
        ("removes by name", removal::removes_by_name),
        ("keeps users out", removal::keeps_users_out),
        ("fills up", room::fills_up),
        ("fills up under hidden names", room::fills_up_under_hidden_names),
        ("serves", servant::serves),
        ("looks", users::looks),
        ("waits", emptied::waits),
        ("uses a name", emptied::uses_a_name),
        ("goes elsewhere", emptied::goes_elsewhere),
        ("comes again and again", emptied::comes_again_and_again),
        ("loses power", power::loses_power),
        ("says its place", named::says_its_place),
        ("stays inside", restarts::stays_inside),
        ("attaches within a limit", restarts::attaches_within_a_limit),
        ("counts in a container", restarts::counts_in_a_container),
        ("makes one by halves", drafts::makes_one_by_halves),
        ("fills up while it joins", room::fills_up_while_it_joins),
    ]);
}
