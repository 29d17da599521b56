//! What a person reads in the daemon's log while a receiver is away.

use std::io::Read as _;
use std::net::TcpListener;

use crate::running::{HOUSE, Running, Workplace};

#[test]
fn a_broker_that_stays_away_is_one_line_in_the_log() {
    let broker = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = broker.local_addr().unwrap().port();
    let sink = format!("[sinks.far]\nkind = \"mqtt\"\nurl = \"mqtt://127.0.0.1:{port}\"\n");
    let place = Workplace::new(&format!("{HOUSE}{sink}"));
    let daemon = Running::start(&place);
    // It hangs up on each login. That the fourth one comes shows that the third was noted.
    for _ in 0..4 {
        let (mut login, _) = broker.accept().unwrap();
        assert!(login.read(&mut [0; 1024]).unwrap() > 0);
    }
    let (said, code) = daemon.stop_saying();
    assert_eq!((said.matches(" far: retrying in ").count(), code), (1, Some(0)), "{said}");
}
