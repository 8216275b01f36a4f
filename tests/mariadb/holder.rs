//! Somebody who is in the way until the test says otherwise, however slow the machine is.

use std::thread::JoinHandle;

use super::server::Server;
use super::site::wait_for;

/// Part of the statement that a holder stands in.
pub(crate) const STANDS: &str = "SLEEP(600)";

/// A connection whose statement does not end.
pub(crate) struct Holder {
    server: &'static Server,
    id: String,
    client: JoinHandle<Result<String, String>>,
}

impl Holder {
    /// Runs a script as a user (with password and database) up to its [`STANDS`], and waits until it is there.
    #[track_caller]
    pub(crate) fn new(server: &'static Server, login: [&str; 3], script: &str) -> Self {
        let [user, _, database] = login;
        let find = format!(
            "SELECT id FROM information_schema.processlist WHERE user = '{user}' AND IFNULL(db, '') = '{database}' \
             AND info LIKE '%{STANDS}%' AND id <> CONNECTION_ID()"
        );
        let [login, script] = [login.map(str::to_owned).to_vec(), vec![script.to_owned()]];
        let client = std::thread::spawn(move || server.client(&login[0], &login[1], &login[2], &script[0]));
        let mut id = String::new();
        wait_for("the holder", || {
            id = server.root(&find);
            assert!(!client.is_finished(), "the holder's script has no end that stands, or fails");
            !id.is_empty()
        });
        Self { server, id, client }
    }

    /// Goes away: its transaction is rolled back, its connection closed.
    pub(crate) fn leave(self) {
        self.server.root(&format!("KILL {}", self.id));
        assert!(self.client.join().unwrap().is_err(), "it was gone before");
    }
}
