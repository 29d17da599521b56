//! Where a connection goes, as whom, and under which name.

use rumqttc::{LastWill, MqttOptions, NetworkOptions, QoS, TlsConfiguration, Transport};

use super::address::Address;
use super::away;
use crate::secret::Secret;
use crate::sinks::Failure;
use crate::sinks::endpoint::Endpoint;
use crate::sinks::tls::Tls;

/// A broker that is silent for longer is gone; a ping every half a minute costs nothing.
const KEEP_ALIVE_S: u16 = 30;
/// Requests that the client hands to the socket at once.
const BATCH: usize = 64;

/// What the broker may send before it is acknowledged.
const RECEIVE: u16 = 64;
/// The largest packet that the broker may send.
const LARGEST: u32 = 64 * 1024;

/// Files are read at each connection, so that a new password or certificate needs no restart, and the password is
/// nowhere for longer than that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The broker.
    pub address: Address,
    /// The user, if it wants one.
    pub username: Option<String>,
    /// Where the user's password is.
    pub password: Option<Secret>,
    /// Both sides of TLS, if the address wants it.
    pub tls: Tls,
    /// Must be unique at the broker: a second client of this name throws the first one out.
    pub client_id: String,
    /// The retained `online` and `offline`, if they are wanted.
    pub status_topic: Option<String>,
    /// At most so many under way, 1 to 1000.
    pub window: u16,
    /// The broker keeps for a while what is said to this client while it is away.
    pub listens: bool,
}

impl Settings {
    /// Where it goes.
    pub(in crate::sinks) fn endpoint(&self) -> Endpoint {
        let Address { host, port, tls } = self.address.clone();
        Endpoint { host, port, tls: tls.then(|| self.tls.clone()) }
    }

    /// For a connection beside another one of the same sink: a second client of its name would throw it out, and whether
    /// the node is there is the other one's to say.
    pub(in crate::sinks) fn stand_aside(&mut self) {
        self.client_id.push_str("-test");
        self.status_topic = None;
        self.listens = false;
    }

    /// What the client needs to know.
    ///
    /// # Errors
    /// A file cannot be used.
    pub(super) async fn options(&self) -> Result<MqttOptions, Failure> {
        let address = &self.address;
        let mut options = MqttOptions::new(self.client_id.clone(), (address.host.clone(), address.port));
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        options
            .set_clean_start(true)
            .set_keep_alive(KEEP_ALIVE_S)
            .set_max_request_batch(BATCH)
            .set_outgoing_inflight_upper_limit(self.window)
            .set_receive_maximum(Some(RECEIVE))
            .set_max_packet_size(Some(LARGEST))
            .set_network_options(network);
        if self.listens {
            away::keep(&mut options);
        }
        if let Some(topic) = &self.status_topic {
            options.set_last_will(LastWill::new(topic.clone(), "offline", QoS::AtLeastOnce, true, None));
        }
        match (&self.username, &self.password) {
            (Some(user), Some(password)) => {
                options.set_credentials(user.clone(), password.read("the password").await?);
            }
            (Some(user), None) => {
                options.set_username(user.clone());
            }
            (None, Some(password)) => {
                options.set_password(password.read("the password").await?);
            }
            (None, None) => {}
        }
        if address.tls {
            let tls = TlsConfiguration::Rustls(self.tls.config().await?);
            options.set_transport(Transport::tls_with_config(tls));
        }
        Ok(options)
    }
}
