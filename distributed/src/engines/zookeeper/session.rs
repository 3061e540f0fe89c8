//! A session, as the library asks for things.

use std::time::Duration;

use async_trait::async_trait;
use zookeeper_client as zk;

use super::connection::{Outcome, error, is_over};
use super::member::Member;
use crate::Result;
use crate::engine::{Me, Patience, Place, Renewal, Session, Turn};

#[async_trait]
impl Session for Member {
    /// Two thirds of what the server has been asked for.
    fn ttl(&self) -> Duration {
        self.connection.ttl()
    }

    async fn renew(&self) -> Result<Renewal> {
        match self.connection.renew().await {
            Ok(()) => Ok(Renewal::Alive),
            Err(why) if is_over(&why) => Ok(Renewal::Ended),
            Err(why) => Err(error("renew a session", &why)),
        }
    }

    async fn ended(&self) {
        self.connection.ended().await;
    }

    async fn enter(&self, me: &Me, patience: Patience) -> Result<Turn> {
        self.paths(me).check(&me.line)?;
        turn("enter a line", self.go_to_the_end(me, patience).await)
    }

    async fn poll(&self, me: &Me) -> Result<Turn> {
        turn("look at a line", self.look(me).await)
    }

    async fn wait(&self, _me: &Me, before: &Place) -> Result<()> {
        let watch = async {
            // As Curator does: a node that is not there leaves no watch behind.
            let client = self.connection.client()?;
            let (_, _, watcher) = client.get_and_watch_data(&before.key).await?;
            drop(client);
            Ok(watcher)
        };
        match watch.await {
            // Whatever has happened, the next look tells.
            Ok(watcher) => drop(zk::OneshotWatcher::changed(watcher).await),
            Err(zk::Error::NoNode) => {}
            Err(why) => return Err(error("watch a node", &why)),
        }
        Ok(())
    }

    async fn say(&self, me: &Me, note: &str) -> Result<()> {
        match self.change(me, note).await {
            Err(why) if is_over(&why) => Ok(()),
            said => said.map_err(|why| error("change a note", &why)),
        }
    }

    async fn leave(&self, me: &Me, clear: bool) -> Result<()> {
        match self.go_out(me, clear).await {
            Err(why) if is_over(&why) => Ok(()),
            left => left.map_err(|why| error("leave a line", &why)),
        }
    }

    async fn holds(&self, me: &Me) -> Result<bool> {
        match self.is_in_line(me).await {
            Err(why) if is_over(&why) => Ok(false),
            answer => answer.map_err(|why| error("look for a node", &why)),
        }
    }

    async fn close(&self) -> Result<()> {
        self.connection.close().await;
        Ok(())
    }
}

fn turn(what: &'static str, turn: Outcome<Turn>) -> Result<Turn> {
    match turn {
        Err(why) if is_over(&why) => Ok(Turn::Out),
        turn => turn.map_err(|why| error(what, &why)),
    }
}
