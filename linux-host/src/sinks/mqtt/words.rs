//! What a broker's answers mean, in plain words, and what to do about them.

use rumqttc::mqttbytes::v5::SubscribeReasonCode;
use rumqttc::{
    ConnectReturnCode, ConnectionError, DisconnectReasonCode, PubAckReason, PublishNoticeError, StateError,
    SubscribeNoticeError, TlsError, mqttbytes,
};

use super::answers::NotTaken;
use crate::sinks::arrival::Arrival;
use crate::sinks::{Failure, tls};

/// Why a message was not taken. Only what no waiting can change is for good.
pub(super) fn of_publish(error: PublishNoticeError) -> NotTaken {
    let PublishNoticeError::V5PubAck(reason) = error else {
        return match error {
            PublishNoticeError::RetainNotSupported => {
                NotTaken::ForGood("the broker keeps no retained messages".into())
            }
            _ => NotTaken::Ended,
        };
    };
    match reason {
        PubAckReason::NotAuthorized => {
            NotTaken::ForGood("not allowed to publish to this topic: see the broker's access list".into())
        }
        PubAckReason::TopicNameInvalid => NotTaken::ForGood("the broker takes no topic of this form".into()),
        PubAckReason::PayloadFormatInvalid => {
            NotTaken::ForGood("the broker does not like the payload's form".into())
        }
        PubAckReason::QuotaExceeded => NotTaken::TooMuch("the broker's quota is used up".into()),
        other => NotTaken::Now(format!("the broker could not take a message ({other:?})")),
    }
}

/// Why a subscription was not taken.
pub(super) fn of_subscribe(error: SubscribeNoticeError) -> NotTaken {
    let SubscribeNoticeError::V5SubAckFailure(reasons) = error else { return NotTaken::Ended };
    match reasons.into_iter().find(|reason| !matches!(reason, SubscribeReasonCode::Success(_))) {
        Some(SubscribeReasonCode::NotAuthorized) => {
            NotTaken::ForGood("not allowed to listen: see the broker's access list".into())
        }
        Some(SubscribeReasonCode::QuotaExceeded) => NotTaken::Now("the broker's quota is used up".into()),
        other => NotTaken::Now(format!("the broker does not allow subscriptions ({other:?})")),
    }
}

/// What a broker does not let this client listen to; `None` if it does. The codes are those of the topics, in order.
pub(super) fn of_subscription(filters: &[String], codes: &[SubscribeReasonCode]) -> Option<Arrival> {
    let refused: Vec<_> = filters
        .iter()
        .zip(codes)
        .filter(|(_, code)| !matches!(code, SubscribeReasonCode::Success(_)))
        .map(|(filter, _)| filter.as_str())
        .collect();
    let why = "the broker does not let this client listen here: see its access list";
    (!refused.is_empty()).then(|| Arrival::unclear(refused.join(", "), why))
}

/// Why a connection, perhaps one with `tls`, failed, or ended once it was `up`.
pub(super) fn of_connection(error: &ConnectionError, tls: bool, up: bool) -> Failure {
    if let Some(io) = io(error) {
        return match tls::words::find(io) {
            Some(reason) => tls::words::of(reason),
            // What it has to say about a certificate is lost if it hangs up while it is spoken to.
            None if tls && !up && is_hanging_up(io) => Failure::retry(
                "the broker hung up during the login: is the port the one for TLS? One that does not take this node's \
                 certificate may do that too: see `certificate`, and the broker's log",
            ),
            None if up && is_hanging_up(io) => Failure::retry(of_io(io)).unexplained(),
            None => Failure::retry(of_io(io)),
        };
    }
    match error {
        ConnectionError::ConnectionRefused(code) => of_connack(*code),
        ConnectionError::Timeout(_) => Failure::retry("the broker does not answer"),
        ConnectionError::Tls(TlsError::TLS(reason)) => tls::words::of(reason),
        ConnectionError::Tls(TlsError::DNSName(_)) => {
            Failure::refused("TLS: the host in `url` is not a valid name for a certificate")
        }
        ConnectionError::Tls(other) => Failure::refused(format!("TLS: {other}")),
        ConnectionError::MqttState(StateError::AwaitPingResp) => Failure::retry("the broker fell silent"),
        ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, reason_string }) => {
            of_disconnect(*reason_code, reason_string.as_deref())
        }
        // A broker that knows nothing newer answers in the form of 3.1.1, which does not read as a whole answer, and hangs up.
        ConnectionError::MqttState(StateError::ConnectionAborted) if !up => Failure::retry(
            "the broker hung up instead of answering; one that speaks MQTT 3.1.1 only does that, and version 5 is needed",
        ),
        ConnectionError::MqttState(StateError::ConnectionAborted) => {
            Failure::retry("the broker closed the connection").unexplained()
        }
        ConnectionError::MqttState(_) if up => {
            Failure::suspect(format!("the broker answered out of turn: {error}"))
        }
        _ => Failure::retry(error.to_string()),
    }
}

fn old_version() -> Failure {
    Failure::refused(
        "the broker speaks MQTT 3.1.1 only, and version 5 is needed (mosquitto has it since 1.6)",
    )
}

fn of_connack(code: ConnectReturnCode) -> Failure {
    use ConnectReturnCode as Code;
    match code {
        Code::RefusedProtocolVersion | Code::UnsupportedProtocolVersion => old_version(),
        Code::BadUserNamePassword => {
            Failure::refused("wrong user or password: see `username` and `password-file`")
        }
        Code::NotAuthorized => Failure::refused(
            "not allowed in: the broker asks for a user and a password, or does not accept these",
        ),
        Code::Banned => Failure::refused("the broker has banned this node"),
        Code::BadAuthenticationMethod => {
            Failure::refused("the broker wants a login other than user and password")
        }
        Code::BadClientId | Code::ClientIdentifierNotValid => {
            Failure::refused("the broker does not take this client's name: see `client-id`")
        }
        Code::TopicNameInvalid => Failure::refused("the broker does not take the topic of the last will"),
        Code::RetainNotSupported => {
            Failure::refused("the broker keeps no retained messages, which availability needs")
        }
        Code::QoSNotSupported => Failure::refused("the broker acknowledges nothing (QoS 0 only)"),
        Code::UseAnotherServer | Code::ServerMoved => Failure::refused("the broker has moved: see `url`"),
        Code::ServerBusy => Failure::retry("the broker is busy"),
        Code::ServiceUnavailable | Code::ServerUnavailable => Failure::retry("the broker is not ready"),
        Code::QuotaExceeded | Code::ConnectionRateExceeded => {
            Failure::retry("the broker has too many connections")
        }
        other => Failure::retry(format!("the broker refused the connection ({other:?})")),
    }
}

fn of_disconnect(code: DisconnectReasonCode, reason: Option<&str>) -> Failure {
    use DisconnectReasonCode as Code;
    let said = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    match code {
        Code::SessionTakenOver => Failure::refused(format!(
            "another client with the same name threw this one out: two nodes of one name, or two sinks of one `client-id`{said}"
        )),
        Code::ServerShuttingDown => Failure::retry(format!("the broker shuts down{said}")),
        Code::ServerBusy => Failure::retry(format!("the broker is busy{said}")),
        Code::NotAuthorized => Failure::suspect(format!("the broker forbids something that was sent{said}")),
        Code::PacketTooLarge => Failure::suspect(format!("a message is too large for the broker{said}")),
        Code::TopicNameInvalid => Failure::suspect(format!("the broker does not take a topic{said}")),
        Code::PayloadFormatInvalid | Code::MalformedPacket | Code::ProtocolError => {
            Failure::suspect(format!("the broker does not understand something that was sent{said}"))
        }
        other => Failure::retry(format!("the broker ended the connection ({other:?}){said}")),
    }
}

/// The error of the socket or of what TLS makes of it, in whichever of its places.
const fn io(error: &ConnectionError) -> Option<&std::io::Error> {
    match error {
        ConnectionError::Io(io)
        | ConnectionError::Tls(TlsError::Io(io))
        | ConnectionError::MqttState(
            StateError::Io(io) | StateError::Deserialization(mqttbytes::Error::Io(io)),
        ) => Some(io),
        _ => None,
    }
}

fn is_hanging_up(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), ConnectionReset | ConnectionAborted | UnexpectedEof | BrokenPipe)
}

fn of_io(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::ConnectionRefused => "nobody listens at its `url`: is the broker up?".into(),
        ErrorKind::TimedOut => "the broker does not answer".into(),
        // What the resolver says has no kind of its own.
        _ if error.to_string().contains("lookup address") => {
            format!(
                "nobody knows an address of the host in its `url`: is the name right, and the network up? ({error})"
            )
        }
        _ if is_hanging_up(error) => "the broker closed the connection".into(),
        _ => error.to_string(),
    }
}
