//! What a broker's answers mean, in plain words, and what to do about them.

use rumqttc::{
    ConnectReturnCode, ConnectionError, DisconnectReasonCode, PubAckReason, PublishNoticeError, StateError,
    TlsError, mqttbytes,
};

use super::NotTaken;
use crate::sinks::Failure;

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
        PubAckReason::QuotaExceeded => NotTaken::Now("the broker's quota is used up".into()),
        other => NotTaken::Now(format!("the broker could not take a message ({other:?})")),
    }
}

/// Why a connection failed, or ended once it was `up`.
pub(super) fn of_connection(error: &ConnectionError, up: bool) -> Failure {
    match error {
        ConnectionError::ConnectionRefused(code) => of_connack(*code),
        ConnectionError::Timeout(_) => Failure::retry("the broker does not answer"),
        ConnectionError::Io(error) => Failure::retry(of_io(error)),
        ConnectionError::Tls(error) => of_tls(error),
        ConnectionError::MqttState(StateError::Io(error)) => Failure::retry(of_io(error)),
        ConnectionError::MqttState(StateError::AwaitPingResp) => Failure::retry("the broker fell silent"),
        ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, reason_string }) => {
            of_disconnect(*reason_code, reason_string.as_deref())
        }
        // A broker that knows nothing newer answers in the form of 3.1.1, which does not read as a whole answer, and hangs up.
        ConnectionError::MqttState(StateError::ConnectionAborted) if !up => Failure::retry(
            "the broker hung up instead of answering; one that speaks MQTT 3.1.1 only does that, and version 5 is needed",
        ),
        ConnectionError::MqttState(StateError::ConnectionAborted) => {
            Failure::retry("the broker closed the connection")
        }
        ConnectionError::MqttState(StateError::Deserialization(mqttbytes::Error::Io(error))) => {
            Failure::retry(of_io(error))
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
        Code::NotAuthorized => {
            Failure::refused("not allowed in: the broker wants a user and a password, or knows this one not")
        }
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

fn of_io(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::ConnectionRefused => "nobody listens at its `url`: is the broker up?".into(),
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::UnexpectedEof
        | ErrorKind::BrokenPipe => "the broker closed the connection".into(),
        ErrorKind::TimedOut => "the broker does not answer".into(),
        _ => error.to_string(),
    }
}

fn of_tls(error: &TlsError) -> Failure {
    match error {
        // A handshake that broke off: often a plain port that was spoken TLS to.
        TlsError::Io(error) if error.get_ref().is_none_or(|inner| !inner.is::<rustls::Error>()) => {
            Failure::retry(format!("TLS: {}", of_io(error)))
        }
        TlsError::Io(error) => {
            Failure::refused(format!("TLS: {error}: see `ca`, and whether the port is the TLS one"))
        }
        other => Failure::refused(format!("TLS: {other}: see `ca`")),
    }
}
