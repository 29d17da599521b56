//! A sound for each message, played by a program of the system: this is the bell.
//!
//! One sound after the other, in the order of the messages. A ring that waited for too long is not played: nobody
//! stands at the door any more. A machine without a sound card says so in `status`, and its rings grow old meanwhile.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::Instant;

use super::Failure;
use super::exec::{self, End};
use super::fields::Fields;
use super::message::Message;
use super::sequential::{Receiver, Verdict};

/// What is played.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// A WAV file.
    pub sound: PathBuf,
    /// What plays it.
    pub player: Player,
    /// In percent; the player is given a sound that is so much softer.
    pub volume: u32,
    /// A sound that takes longer is ended; that is as good as played.
    pub timeout: Duration,
    /// A message that is older is no reason to ring.
    pub max_age: Duration,
}

/// A program that plays WAV from its standard input.
#[derive(Clone, Debug, PartialEq)]
pub struct Player {
    /// An absolute path.
    pub program: PathBuf,
    /// Each as it is.
    pub arguments: Vec<String>,
}

/// The receiver.
#[derive(Debug)]
pub struct Chime {
    settings: Settings,
    /// Of the last step.
    remark: String,
}

impl Chime {
    /// Does nothing yet.
    pub const fn new(settings: Settings) -> Self {
        Self { settings, remark: String::new() }
    }
}

impl Receiver for Chime {
    async fn open(&mut self) -> Result<(), Failure> {
        let Settings { sound: path, player, volume, .. } = &self.settings;
        let player = exec::program(&player.program).await.map_err(|failure| {
            let why =
                format!("{}: `apt install alsa-utils` brings aplay, or name another `player`", failure.why);
            Failure { why, ..failure }
        })?;
        let bytes = sound(path, *volume).await?.len();
        self.remark = format!("{player}; {} has {bytes} bytes, at {volume} %", path.display());
        Ok(())
    }

    async fn deliver(&mut self, messages: &[Message]) -> Result<Verdict, Failure> {
        let Settings { sound: path, player, volume, timeout, max_age } = &self.settings;
        if let Some(why) = Fields::of(messages).too_old(Some(*max_age)) {
            return Ok(Verdict::Refused(why));
        }
        // At each ring, so that a new sound needs no restart.
        let sound = sound(path, *volume).await?;
        let mut command = Command::new(&player.program);
        command.args(&player.arguments);
        let began = Instant::now();
        match exec::run(command, sound, *timeout).await? {
            End::Code(status, _) if status.success() => {
                self.remark = format!("the player ended well, after {} ms", began.elapsed().as_millis());
                Ok(Verdict::Taken)
            }
            // It was heard, as far as the file lets it.
            End::TooLong => {
                self.remark = format!("it was ended after {timeout:?}: `timeout`");
                Ok(Verdict::Taken)
            }
            End::Code(status, said) => Err(Failure::retry(format!(
                "the player failed ({status}){said}: is there a sound card (`aplay -l`), and may this user use it (group audio)?"
            ))),
        }
    }

    fn remark(&self) -> String {
        self.remark.clone()
    }
}

/// The sound, so loud.
async fn sound(path: &Path, volume: u32) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    let mut bytes = tokio::fs::read(path)
        .await
        .map_err(|error| Failure::refused(format!("cannot read the sound {shown}: {error}")))?;
    soften(&mut bytes, volume).map_err(|error| Failure::refused(format!("the sound {shown} is {error}")))?;
    Ok(bytes)
}

/// Makes a WAV softer, sample by sample: of 16 bits and 8, as sounds for bells are.
fn soften(bytes: &mut [u8], volume: u32) -> io::Result<()> {
    let no = |what: &'static str| io::Error::new(io::ErrorKind::InvalidData, what);
    if bytes.get(..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"WAVE") {
        return Err(no("no WAV file: `ffmpeg -i SOUND bell.wav` makes one"));
    }
    let mut bits = None;
    let mut at = 12;
    while let Some(head) = bytes.get(at..at + 8) {
        let (id, len) = ([head[0], head[1], head[2], head[3]], [head[4], head[5], head[6], head[7]]);
        let len = u32::from_le_bytes(len) as usize;
        let body = at + 8;
        match &id {
            b"fmt " => {
                let field = |from: usize| {
                    Some(u16::from_le_bytes([*bytes.get(body + from)?, *bytes.get(body + from + 1)?]))
                };
                bits = field(0).filter(|format| *format == 1).and_then(|_| field(14));
            }
            b"data" => {
                // A length of a stream that was cut off counts as far as there is something.
                let end = body.saturating_add(len).min(bytes.len());
                let samples = bytes.get_mut(body..end).unwrap_or_default();
                return match bits {
                    Some(16) => {
                        for sample in samples.chunks_exact_mut(2) {
                            let louder = i32::from(i16::from_le_bytes([sample[0], sample[1]]));
                            sample.copy_from_slice(
                                &((louder * volume.min(100).cast_signed() / 100) as i16).to_le_bytes(),
                            );
                        }
                        Ok(())
                    }
                    Some(8) => {
                        for sample in samples {
                            let louder = i32::from(*sample) - 128;
                            *sample = (louder * volume.min(100).cast_signed() / 100 + 128) as u8;
                        }
                        Ok(())
                    }
                    _ if volume >= 100 => Ok(()),
                    _ => Err(no(
                        "not of 16 or 8 bits, and only such a one can be made softer: leave `volume` out",
                    )),
                };
            }
            _ => {}
        }
        at = body.saturating_add(len).saturating_add(len % 2);
    }
    Err(no("cut off before its sound begins"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sinks::Then;
    use crate::sinks::fields::testing::doorbell;

    /// A WAV of one channel.
    fn wav(bits: u16, data: &[u8]) -> Vec<u8> {
        let bytes = bits / 8;
        let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        wav.extend_from_slice(&8000u32.to_le_bytes());
        wav.extend_from_slice(&(8000 * u32::from(bytes)).to_le_bytes());
        wav.extend_from_slice(&bytes.to_le_bytes());
        wav.extend_from_slice(&bits.to_le_bytes());
        wav.extend_from_slice(b"LIST\x03\0\0\0abc\0data");
        wav.extend_from_slice(&(data.len() as u32).to_le_bytes());
        wav.extend_from_slice(data);
        wav
    }

    fn softened(bits: u16, data: &[u8], volume: u32) -> Vec<u8> {
        let mut bytes = wav(bits, data);
        soften(&mut bytes, volume).unwrap();
        assert_eq!(bytes[..bytes.len() - data.len()], wav(bits, data)[..bytes.len() - data.len()]);
        bytes[bytes.len() - data.len()..].to_vec()
    }

    #[test]
    fn a_sound_is_made_softer_and_nothing_else() {
        let data: Vec<u8> =
            [1000i16, -1000, i16::MIN].iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let half: Vec<u8> =
            [500i16, -500, i16::MIN / 2].iter().flat_map(|sample| sample.to_le_bytes()).collect();
        assert_eq!(softened(16, &data, 50), half);
        assert_eq!(softened(16, &data, 100), data);
        assert_eq!(softened(8, &[128, 228, 28], 10), [128, 138, 118]);
        let words = |mut bytes: Vec<u8>, volume| soften(&mut bytes, volume).unwrap_err().to_string();
        assert!(words(wav(24, &[0; 6]), 50).starts_with("not of 16 or 8 bits"));
        assert!(words(b"ID3 mp3".to_vec(), 50).starts_with("no WAV file"));
        assert!(words(wav(16, &[])[..40].to_vec(), 50).starts_with("cut off"));
        assert!(soften(&mut wav(24, &[0; 6]), 100).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_sound_or_refused(mut bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..80)) {
            let head = bytes.len().min(12);
            bytes[..head].copy_from_slice(&b"RIFF\0\0\0\0WAVE"[..head]);
            let _ = soften(&mut bytes, 50);
        }
    }

    #[tokio::test]
    async fn a_ring_is_played_and_an_old_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let heard = dir.path().join("heard");
        std::fs::write(dir.path().join("bell.wav"), wav(8, &[228, 28])).unwrap();
        let mut chime = Chime::new(Settings {
            sound: dir.path().join("bell.wav"),
            player: Player {
                program: "/usr/bin/tee".into(),
                arguments: vec!["-a".into(), heard.display().to_string()],
            },
            volume: 50,
            timeout: Duration::from_secs(60),
            max_age: Duration::MAX,
        });
        chime.open().await.unwrap();
        for _ in 0..2 {
            assert_eq!(chime.deliver(&[doorbell("ring", 7)]).await, Ok(Verdict::Taken));
        }
        let once = [&wav(8, &[])[..wav(8, &[]).len() - 4], &[2, 0, 0, 0, 178, 78]].concat();
        assert_eq!(std::fs::read(&heard).unwrap(), [once.clone(), once].concat());
        chime.settings.max_age = Duration::from_secs(60);
        let mut old = doorbell("ring", 8);
        old.payload = old.payload.replace("2026-11-21", "2020-01-01");
        assert!(matches!(chime.deliver(&[old]).await, Ok(Verdict::Refused(_))));
    }

    #[tokio::test]
    async fn a_sound_that_takes_too_long_is_ended_and_was_heard() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("bell.wav"), wav(8, &[228, 28])).unwrap();
        let mut chime = Chime::new(Settings {
            sound: dir.path().join("bell.wav"),
            player: Player { program: "/bin/sleep".into(), arguments: vec!["3600".into()] },
            volume: 100,
            timeout: Duration::from_millis(50),
            max_age: Duration::MAX,
        });
        assert_eq!(chime.deliver(&[doorbell("ring", 7)]).await, Ok(Verdict::Taken));
        assert_eq!(chime.remark(), "it was ended after 50ms: `timeout`");
    }

    #[tokio::test]
    async fn a_machine_that_cannot_play_says_so() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("bell.wav"), wav(8, &[228, 28])).unwrap();
        let mut chime = Chime::new(Settings {
            sound: dir.path().join("bell.wav"),
            player: Player { program: "/bin/false".into(), arguments: Vec::new() },
            volume: 100,
            timeout: Duration::from_secs(60),
            max_age: Duration::MAX,
        });
        let failure = chime.deliver(&[doorbell("ring", 7)]).await.unwrap_err();
        assert!(failure.why.contains("is there a sound card") && failure.then == Then::Retry, "{failure:?}");
        chime.settings.player.program = "/nothing/such".into();
        let failure = chime.open().await.unwrap_err();
        assert!(failure.why.contains("alsa-utils") && failure.then == Then::Refused, "{failure:?}");
        chime.settings.player.program = "/bin/true".into();
        chime.settings.sound = dir.path().join("missing.wav");
        assert!(chime.open().await.unwrap_err().why.starts_with("cannot read the sound"));
    }
}
