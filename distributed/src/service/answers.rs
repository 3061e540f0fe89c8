//! What the service answers to each request: the engine's answer, if the client may ask.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::policy::Known;
use super::protocol::{Answer, Ask, Attempt};
use super::sessions::{Held, Sessions};
use crate::engine::{Engine, Line, Me, Patience, Renewal, Turn};
use crate::mutex::check_note;
use crate::{Result, Who, check_name};

/// An engine, and the sessions that are held there for clients.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) sessions: Sessions,
}

impl Ask {
    /// Whether its answer may take as long as it likes.
    pub(super) fn waits(&self) -> bool {
        matches!(self, Self::Wait { .. } | Self::Changed { .. } | Self::Placed { .. })
    }
}

impl Answers {
    /// The answer to one of this client's.
    pub(super) async fn to(&self, client: &Arc<Known>, ask: Ask) -> Answer {
        self.ask(client, ask).await.unwrap_or_else(|failed| failed)
    }

    async fn ask(&self, client: &Arc<Known>, ask: Ask) -> Result<Answer, Answer> {
        Ok(match ask {
            Ask::Open { who, ttl_ms } => self.open(client, who.plain(), ttl_ms).await?,
            Ask::Renew { session } => match self.sessions.renew(&session, &client.name) {
                None => Answer::Renewed(Renewal::Ended),
                Some(held) => {
                    let renewal = held.session.renew().await?;
                    if renewal == Renewal::Ended {
                        self.sessions.remove(&session);
                    }
                    Answer::Renewed(renewal)
                }
            },
            Ask::Close { session } => {
                if let Some(held) = self.sessions.get(&session, &client.name) {
                    held.session.close().await?;
                    self.sessions.remove(&session);
                }
                Answer::Done
            }
            Ask::Enter { .. } => self.enter(client, ask).await?,
            Ask::Look { line } => {
                may_look(client, &line)?;
                let line = self.engine.look(&line).await?;
                Answer::Line { version: version(&line), line }
            }
            Ask::Changed { line, version: known } => {
                may_look(client, &line)?;
                let now = self.engine.look(&line).await?;
                if version(&now) == known {
                    self.engine.changed(&line, &now).await?;
                }
                Answer::Done
            }
            Ask::Poll(attempt) => match self.standing(client, &attempt) {
                None => Answer::Turn(Turn::Out),
                Some((held, me)) => Answer::Turn(held.alone(held.session.poll(&me)).await?),
            },
            Ask::Holds(attempt) => match self.standing(client, &attempt) {
                None => Answer::Holds(false),
                Some((held, me)) => Answer::Holds(held.session.holds(&me).await?),
            },
            Ask::Placed(attempt) => {
                if let Some((held, me)) = self.standing(client, &attempt) {
                    let placed = held.until_wanted(held.session.placed(&me)).await;
                    placed.ok_or_else(|| Answer::passing("its session does something else"))??;
                }
                Answer::Done
            }
            Ask::Wait { attempt, before } => {
                if let Some((held, me)) = self.standing(client, &attempt) {
                    // Early is no error.
                    held.until_wanted(held.session.wait(&me, &before)).await.transpose()?;
                }
                Answer::Done
            }
            Ask::Say { attempt, note } => {
                check_note(&note)?;
                if let Some((held, me)) = self.standing(client, &attempt) {
                    held.alone(held.session.say(&me, &note)).await?;
                }
                Answer::Done
            }
            Ask::Leave { attempt, clear } => {
                if let Some((held, me)) = self.standing(client, &attempt) {
                    held.alone(held.session.leave(&me, clear)).await?;
                    held.forget(&attempt);
                }
                Answer::Done
            }
            Ask::Forget { .. } => Answer::Done,
        })
    }

    async fn open(&self, client: &Arc<Known>, who: Who, ttl_ms: u64) -> Result<Answer, Answer> {
        let Some(open) = client.open() else {
            let why = "it has as many sessions open as it may have; they end when they are left";
            return Err(Answer::refused(why));
        };
        let session = self.engine.open(&who, Duration::from_millis(ttl_ms)).await?;
        let ttl_ms = u64::try_from(session.ttl().as_millis()).unwrap_or(u64::MAX);
        let session = self.sessions.insert(session, who, open)?;
        Ok(Answer::Opened { session, ttl_ms })
    }

    async fn enter(&self, client: &Arc<Known>, ask: Ask) -> Result<Answer, Answer> {
        let Ask::Enter { attempt, mode, recorded, note, since, wait } = ask else {
            return Ok(Answer::Done);
        };
        check_name(&attempt.line)?;
        check_note(&note)?;
        if !client.may_lock(&attempt.line) {
            return Err(refused(client, "lock", &attempt.line));
        }
        let Some(held) = self.sessions.get(&attempt.session, &client.name) else {
            return Ok(Answer::Turn(Turn::Out));
        };
        let me = held.enter(&attempt, || Me {
            line: attempt.line.as_str().into(),
            attempt: attempt.number,
            mode,
            is_recorded: recorded,
            who: held.who.clone(),
            note: note.into(),
            since,
            order: OnceLock::new(),
        });
        let Some(me) = me else {
            return Err(Answer::refused("its session is in too many lines at a time"));
        };
        let patience = if wait { Patience::Endless } else { Patience::None };
        let turn = held.alone(held.session.enter(&me, patience)).await?;
        if turn == Turn::Out {
            held.forget(&attempt);
        }
        Ok(Answer::Turn(turn))
    }

    fn standing(&self, client: &Arc<Known>, attempt: &Attempt) -> Option<(Arc<Held>, Arc<Me>)> {
        let held = self.sessions.get(&attempt.session, &client.name)?;
        let me = held.me(attempt)?;
        Some((held, me))
    }
}

fn may_look(client: &Known, line: &str) -> Result<(), Answer> {
    check_name(line)?;
    if client.may_look(line) { Ok(()) } else { Err(refused(client, "look at", line)) }
}

fn refused(client: &Known, what: &str, line: &str) -> Answer {
    Answer::refused(format!("the client {:?} may not {what} {line:?}", client.name))
}

/// Tells lines apart.
fn version(line: &Line) -> u64 {
    let mut hasher = DefaultHasher::new();
    // Nothing in it has a key that is not a text.
    serde_json::to_vec(line).unwrap_or_default().hash(&mut hasher);
    hasher.finish()
}
