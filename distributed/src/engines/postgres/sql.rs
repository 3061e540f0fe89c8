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
        IF to_regclass('bakery_lines') IS NULL THEN
            PERFORM pg_advisory_xact_lock(hashtextextended('bakery_lines', 0));
            CREATE SEQUENCE IF NOT EXISTS bakery_token;
            -- A line's row changes with each who goes in or out. As long as there is room beside it, and no
            -- column with an index changes, what it was before is cleaned away in passing.
            CREATE TABLE IF NOT EXISTS bakery_lines (
                line bigint PRIMARY KEY, token bigint NOT NULL, pid int, who text NOT NULL,
                note text NOT NULL, since timestamptz NOT NULL, deaths jsonb NOT NULL DEFAULT '[]'
            ) WITH (fillfactor = 30);
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
    let go_in = record("$1", "$2", "$3", "");
    format!(
        "PREPARE bakery_lock (bigint) AS SELECT pg_advisory_lock($1);
         PREPARE bakery_in (bigint, text, text) AS {go_in};
         PREPARE bakery_token (bigint) AS
             SELECT nextval('bakery_token') AS mine, EXISTS ({IS_DEAD} AND r.line = $1) AS dead;
         PREPARE bakery_out (bigint, bigint) AS
             UPDATE bakery_lines SET pid = NULL WHERE line = $1 AND token = $2;
         PREPARE bakery_unlock AS SELECT pg_advisory_unlock_all();
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

/// For one that is inside: somebody may have died there.
const IS_DEAD: &str = "SELECT FROM bakery_lines r WHERE (r.deaths <> '[]' OR r.pid IS NOT NULL)";

/// Draws a token, and writes down who is inside. Whoever is found there has died.
fn record(number: &str, who: &str, note: &str, from: &str) -> String {
    format!(
        "INSERT INTO bakery_lines AS r (line, token, pid, who, note, since)
         SELECT {number}, nextval('bakery_token'), pg_backend_pid(), {who}, {note},
             clock_timestamp() {from}
         ON CONFLICT (line) DO UPDATE SET token = excluded.token, pid = excluded.pid,
             who = excluded.who, note = excluded.note, since = excluded.since,
             deaths = CASE WHEN r.pid IS NULL OR {OWN} THEN r.deaths ELSE r.deaths ||
                 jsonb_build_object('token', r.token, 'who', r.who, 'note', r.note, 'since', r.since)
             END
         RETURNING token AS mine, deaths <> '[]' AS dead"
    )
}

/// Those who have died inside, with the one of the record if it is so.
fn died(number: &str, of_the_record: &str) -> String {
    format!(
        "SELECT d.token AS death, d.who, d.note, extract(epoch FROM d.since) AS since
         FROM bakery_lines r CROSS JOIN LATERAL (
             SELECT * FROM jsonb_to_recordset(r.deaths)
                 AS d (token bigint, who text, note text, since timestamptz)
             UNION ALL SELECT r.token, r.who, r.note, r.since
                 WHERE r.pid IS NOT NULL AND {of_the_record}) d
         WHERE r.line = {number} ORDER BY d.token"
    )
}

/// The same, for one that is inside.
pub(super) fn deaths(line: &str) -> String {
    died(&number(line), &format!("NOT {OWN}"))
}

fn shared(me: &Me) -> &'static str {
    if me.mode == Mode::Shared { "_shared" } else { "" }
}

/// Waits, draws a token, and finds out whether somebody has died.
pub(super) fn go_in(me: &Me) -> String {
    let number = number(&me.line);
    let lock = match me.mode {
        Mode::Shared => format!("SELECT pg_advisory_lock_shared({number})"),
        Mode::Exclusive => format!("EXECUTE bakery_lock ({number})"),
    };
    if !me.is_recorded {
        return format!("{lock}; EXECUTE bakery_token ({number})");
    }
    let (who, note) = (literal(&me.who.to_string()), literal(&me.note));
    format!("{lock}; EXECUTE bakery_in ({number}, {who}, {note})")
}

/// The same, if that needs no waiting.
pub(super) fn try_to_go_in(me: &Me) -> String {
    let (number, shared) = (number(&me.line), shared(me));
    // The offset keeps the server from asking twice.
    let from = format!(
        "FROM (SELECT pg_try_advisory_lock{shared}({number}) AS got OFFSET 0) AS tried WHERE got"
    );
    if !me.is_recorded {
        // Who was inside when the first of them began may have left since.
        return format!(
            "SELECT nextval('bakery_token') AS mine {from};
             SELECT true AS dead WHERE EXISTS ({IS_DEAD} AND r.line = {number})"
        );
    }
    record(&number, &literal(&me.who.to_string()), &literal(&me.note), &from)
}

/// Changes the record's note.
pub(super) fn say(me: &Me, token: u64, note: &str) -> String {
    let (number, note) = (number(&me.line), literal(note));
    format!("UPDATE bakery_lines SET note = {note} WHERE line = {number} AND token = {token}")
}

/// Takes back that one is inside, for all to see, and then unlocks. With a token of 0, which is nobody's, what
/// this session has written, if it has.
pub(super) fn leave(me: &Me, token: u64, clear: bool) -> String {
    const UNLOCK: &str = "EXECUTE bakery_unlock";
    if !me.is_recorded && !clear {
        return UNLOCK.to_owned();
    }
    let number = number(&me.line);
    let out = match (clear, token) {
        // If the server itself crashes right now, it may forget this, and tell of a death that was none. No
        // hand-off waits for a disk on that account.
        (false, 1..) => {
            format!("SET LOCAL synchronous_commit = off; EXECUTE bakery_out ({number}, {token})")
        }
        (false, 0) => {
            format!("UPDATE bakery_lines r SET pid = NULL WHERE r.line = {number} AND {OWN}")
        }
        (true, _) => {
            format!("UPDATE bakery_lines SET pid = NULL, deaths = '[]' WHERE line = {number}")
        }
    };
    format!("BEGIN; {out}; COMMIT; {UNLOCK}")
}

/// Takes away a line's row that says nothing.
pub(super) fn tidy(line: &str) -> String {
    let number = number(line);
    format!("DELETE FROM bakery_lines WHERE line = {number} AND pid IS NULL AND deaths = '[]'")
}

/// Who holds the lock, who waits for it in order, and twice those who died inside.
///
/// Who is there the server finds out once, in the first statement, after that one's snapshot of the records. So
/// the first may find one dead that takes its record away and hangs up, and the last one that has come since.
/// Whom both find is dead.
pub(super) fn look(line: &str) -> String {
    let number = number(line);
    // When another user's session began is not told.
    let ended = "NOT EXISTS (SELECT FROM pg_stat_activity a
                             WHERE a.pid = r.pid AND coalesce(a.backend_start <= r.since, true))";
    let dead = died(&number, ended);
    format!(
        "{dead};
         SELECT l.pid, l.granted, l.mode, coalesce(a.application_name, '') AS who,
                extract(epoch FROM coalesce(r.since, l.waitstart)) AS since,
                coalesce(r.token, 0) AS token, coalesce(r.note, '') AS note
         FROM pg_locks l
         LEFT JOIN pg_stat_activity a USING (pid)
         LEFT JOIN bakery_lines r ON l.granted AND r.line = {number} AND r.pid = l.pid
         WHERE l.locktype = 'advisory' AND l.objsubid = 1
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND l.classid::bigint = ({number} >> 32) & 4294967295
           AND l.objid::bigint = {number} & 4294967295
         ORDER BY l.granted DESC, l.waitstart NULLS LAST, l.pid;
         {dead}"
    )
}
