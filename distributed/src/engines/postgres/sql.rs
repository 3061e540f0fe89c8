//! What is said to the server. All of it in simple queries: several statements of one are sent at once, and
//! each sees what has been committed before it begins, which may be long after the one before it.

use crate::engine::{Me, Mode};

/// What the server's process has been started with.
pub(super) const MARK: &str = "SELECT current_setting('bakery.connection', true) AS mark";

/// Has another session give up what it waits for. Unlike the protocol's own request, this is not answered
/// before it has been done: so it cannot come late and hit the next query.
pub(super) fn cancel(pid: i64) -> String {
    format!("SELECT pg_cancel_backend({pid})")
}

/// Begins a connection that takes no part; makes what is not there.
pub(super) fn schema() -> String {
    // Two that make the same table at the same time would fail, so they do it one after the other.
    "SET standard_conforming_strings = on;
     DO $$ BEGIN
        IF to_regclass('bakery_inside') IS NULL THEN
            PERFORM pg_advisory_xact_lock(hashtextextended('bakery_inside', 0));
            CREATE SEQUENCE IF NOT EXISTS bakery_token;
            CREATE TABLE IF NOT EXISTS bakery_inside (
                line bigint, token bigint, pid int NOT NULL, who text NOT NULL,
                note text NOT NULL, since timestamptz NOT NULL, PRIMARY KEY (line, token));
        END IF;
    END $$"
        .to_owned()
}

/// Begins a session that ends when it has been idle for so many milliseconds.
pub(super) fn begin(millis: i32) -> String {
    format!(
        "SET idle_session_timeout = {millis};
         -- Whoever waits and is gone shall not stay in line.
         SET client_connection_check_interval = 300;
         SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3;
         -- Somebody who waits is not stuck.
         SET statement_timeout = 0; SET lock_timeout = 0;
         SET idle_in_transaction_session_timeout = 0;
         SET default_transaction_isolation = 'read committed';
         SET standard_conforming_strings = on"
    )
}

/// Has the server make up its mind once how a session goes in and out; and says its process id.
pub(super) fn prepare() -> String {
    let deaths = records(&format!("r.line = $1 AND NOT {OWN}"));
    format!(
        "PREPARE bakery_deaths (bigint) AS {deaths};
         PREPARE bakery_in (bigint, text, text) AS
             INSERT INTO bakery_inside (line, token, pid, who, note, since)
             VALUES ($1, nextval('bakery_token'), pg_backend_pid(), $2, $3, clock_timestamp())
             RETURNING token AS mine;
         PREPARE bakery_out (bigint, bigint) AS
             DELETE FROM bakery_inside WHERE line = $1 AND token = $2;
         SELECT pg_backend_pid() AS pid"
    )
}

/// A text, as a literal.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A lock's number.
fn number(line: &str) -> String {
    match line.parse::<i64>() {
        Ok(number) if number.to_string() == line => format!("({number})::bigint"),
        _ => format!("hashtextextended({}, 0)", literal(line)),
    }
}

/// A record that this session has left, also if it does not know of it: an earlier session of the same
/// process id began before.
const OWN: &str = "(r.pid = pg_backend_pid()
     AND r.since >= (SELECT backend_start FROM pg_stat_get_activity(pg_backend_pid())))";

/// The records that are so.
fn records(which: &str) -> String {
    format!(
        "SELECT r.token AS death, r.who, r.note, extract(epoch FROM r.since) AS since
         FROM bakery_inside r WHERE {which} ORDER BY r.token"
    )
}

/// A token, if one may go in; with a record, if there is to be one.
fn token_if(me: &Me, from: &str) -> String {
    if !me.is_recorded {
        return format!("SELECT nextval('bakery_token') AS mine {from}");
    }
    let (number, who) = (number(&me.line), literal(&me.who.to_string()));
    let note = literal(&me.note);
    format!(
        "INSERT INTO bakery_inside (line, token, pid, who, note, since)
         SELECT {number}, nextval('bakery_token'), pg_backend_pid(), {who}, {note},
             clock_timestamp() {from}
         RETURNING token AS mine"
    )
}

/// The records of others, for one that is inside: they are dead.
fn deaths(me: &Me) -> String {
    format!("EXECUTE bakery_deaths ({})", number(&me.line))
}

fn shared(me: &Me) -> &'static str {
    if me.mode == Mode::Shared { "_shared" } else { "" }
}

/// Waits, looks for the dead, draws a token.
pub(super) fn go_in(me: &Me) -> String {
    let (number, shared, deaths) = (number(&me.line), shared(me), deaths(me));
    let token = if me.is_recorded {
        let (who, note) = (literal(&me.who.to_string()), literal(&me.note));
        format!("EXECUTE bakery_in ({number}, {who}, {note})")
    } else {
        token_if(me, "")
    };
    format!("SELECT pg_advisory_lock{shared}({number}); {deaths}; {token}")
}

/// The same, if that needs no waiting.
pub(super) fn try_to_go_in(me: &Me) -> String {
    let number = number(&me.line);
    // The offset keeps the server from asking twice.
    let from = format!(
        "FROM (SELECT pg_try_advisory_lock{}({number}) AS got OFFSET 0) AS tried WHERE got",
        shared(me)
    );
    format!("{}; {}", token_if(me, &from), deaths(me))
}

/// Changes the record's note.
pub(super) fn say(me: &Me, token: u64, note: &str) -> String {
    let (number, note) = (number(&me.line), literal(note));
    format!("UPDATE bakery_inside SET note = {note} WHERE line = {number} AND token = {token}")
}

/// Takes the record of this token away, for all to see, and then unlocks. With a token of 0, which is
/// nobody's, the record of this session, if it has one.
pub(super) fn leave(me: &Me, token: u64, clear: bool) -> String {
    const UNLOCK: &str = "SELECT pg_advisory_unlock_all()";
    if !me.is_recorded && !clear {
        return UNLOCK.to_owned();
    }
    let number = number(&me.line);
    let delete = match (clear, token) {
        (false, 1..) => format!("EXECUTE bakery_out ({number}, {token})"),
        (false, 0) => format!("DELETE FROM bakery_inside r WHERE r.line = {number} AND {OWN}"),
        (true, _) => format!("DELETE FROM bakery_inside WHERE line = {number}"),
    };
    format!("BEGIN; {delete}; COMMIT; {UNLOCK}")
}

/// Who holds the lock, who waits for it in order, and twice the records of those whose sessions have ended.
///
/// Who is there the server finds out once, in the first statement, after that one's snapshot of the records. So
/// the first may find one dead that takes its record away and hangs up, and the last one that has come since.
/// Whom both find is dead.
pub(super) fn look(line: &str) -> String {
    let number = number(line);
    // When another user's session began is not told.
    let dead = "NOT EXISTS (SELECT FROM pg_stat_activity a
                            WHERE a.pid = r.pid AND coalesce(a.backend_start <= r.since, true))";
    let dead = records(&format!("r.line = {number} AND {dead}"));
    format!(
        "{dead};
         SELECT l.pid, l.granted, l.mode, coalesce(a.application_name, '') AS who,
                extract(epoch FROM coalesce(r.since, l.waitstart)) AS since,
                coalesce(r.token, 0) AS token, coalesce(r.note, '') AS note
         FROM pg_locks l
         LEFT JOIN pg_stat_activity a USING (pid)
         LEFT JOIN LATERAL (SELECT i.token, i.note, i.since FROM bakery_inside i
                            WHERE l.granted AND i.line = {number} AND i.pid = l.pid
                            ORDER BY i.token DESC LIMIT 1) r ON true
         WHERE l.locktype = 'advisory' AND l.objsubid = 1
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND l.classid::bigint = ({number} >> 32) & 4294967295
           AND l.objid::bigint = {number} & 4294967295
         ORDER BY l.granted DESC, l.waitstart NULLS LAST, l.pid;
         {dead}"
    )
}
