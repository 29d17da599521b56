use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::sinks::arrival::What;

/// Longer than any test, so that no look by the clock finds what the stream should tell of.
const NEVER: Duration = Duration::from_secs(24 * 3600);

/// A platform with one account.
#[derive(Clone, Default)]
struct Platform(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    posts: Vec<u64>,
    /// Posts from this number on show after so many readings.
    late: (u64, usize),
    /// The next readings fail.
    failures: VecDeque<Failure>,
    readings: usize,
    /// It gives the newest posts, wherever it is to begin.
    is_simple: bool,
    /// It leaves out what is older than a page.
    is_cut: bool,
    stream: Option<Script>,
}

enum Step {
    Opens,
    Refuses,
    Tells(Option<u64>),
    Breaks,
}

struct Script(UnboundedReceiver<Step>);

impl Timeline for Platform {
    type Alerts = Script;

    fn name(&self) -> String {
        "platform/bell".to_owned()
    }

    async fn read(&mut self, since: Option<&str>) -> Result<Page, Failure> {
        const PAGE: usize = 3;
        let mut state = self.0.lock().unwrap();
        state.readings += 1;
        if let Some(failure) = state.failures.pop_front() {
            return Err(failure);
        }
        let (from, wait) = state.late;
        state.late.1 = wait.saturating_sub(1);
        let post = |id: &u64| Post { id: id.to_string(), text: format!("<p>ring {id}</p>") };
        let shown = state.posts.iter().filter(|id| wait == 0 || **id < from);
        let Some(since) = since else {
            return Ok(Page { posts: shown.map(post).collect(), ..Page::default() });
        };
        let since: u64 = since.parse().unwrap();
        let behind: Vec<_> = shown.filter(|id| state.is_simple || **id > since).map(post).collect();
        let newest = behind.len().saturating_sub(PAGE);
        let (from, is_cut) = if state.is_simple { (newest, state.is_cut && newest > 0) } else { (0, false) };
        let mut posts: Vec<_> = behind.into_iter().skip(from).take(PAGE).collect();
        posts.reverse();
        Ok(Page { is_full: posts.len() == PAGE, is_cut, posts })
    }

    fn alerts(&self) -> Option<Script> {
        self.0.lock().unwrap().stream.take()
    }
}

impl Alerts for Script {
    async fn open(&mut self) -> Result<(), Failure> {
        match self.0.recv().await {
            Some(Step::Opens) => Ok(()),
            Some(Step::Refuses) => Err(Failure::refused("nobody may listen (401)")),
            Some(Step::Breaks | Step::Tells(_)) => panic!("not open"),
            None => std::future::pending().await,
        }
    }

    async fn next(&mut self) -> Result<Option<String>, Failure> {
        match self.0.recv().await {
            Some(Step::Tells(post)) => Ok(post.map(|post| post.to_string())),
            Some(Step::Breaks) => Err(Failure::retry("broke")),
            Some(Step::Opens | Step::Refuses) => panic!("open"),
            None => std::future::pending().await,
        }
    }
}

/// A node that follows the account.
struct Node {
    platform: Platform,
    found: Receiver<Found>,
    stream: UnboundedSender<Step>,
    _task: Task,
}

impl Node {
    /// Of a platform that has the posts 8 and 9.
    fn new(every: Duration, containing: Option<&str>) -> Self {
        let platform = Platform::default();
        let (stream, steps) = unbounded_channel();
        let mut state = platform.0.lock().unwrap();
        (state.posts, state.stream) = (vec![8, 9], Some(Script(steps)));
        drop(state);
        let (out, found) = channel(WAITING);
        let (account, message) = ("bell".into(), "doorbell".into());
        let follow = Follow { account, message, containing: containing.map(str::to_owned), every };
        let _task = Task::of(Watch::new(platform.clone(), follow, out, Bookmark::default()).run());
        Self { platform, found, stream, _task }
    }

    fn posts(&self, ids: impl IntoIterator<Item = u64>) {
        self.platform.0.lock().unwrap().posts.extend(ids);
    }

    fn step(&self, step: Step) {
        assert!(self.stream.send(step).is_ok());
    }

    /// Has looked for the first time.
    async fn looked(&self) {
        while self.readings() == 0 {
            sleep(Duration::from_millis(1)).await;
        }
    }

    fn readings(&self) -> usize {
        self.platform.0.lock().unwrap().readings
    }

    /// What came in next; posts that stand for nothing are passed over.
    async fn seen(&mut self, count: usize) -> Vec<String> {
        let mut seen = Vec::new();
        while seen.len() < count {
            let Found { arrival, .. } = self.found.recv().await.unwrap();
            seen.extend(arrival.map(|arrival| match arrival.what {
                What::Wish(_) => arrival.from,
                What::Unclear(why) => why,
                What::Lost(_) => panic!(),
            }));
        }
        seen
    }

    /// Nothing more comes for so long.
    async fn quiet(&mut self, time: Duration) {
        sleep(time).await;
        assert_eq!(self.found.try_recv().ok(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_new_comes_in_once_and_in_order_and_what_was_there_does_not() {
    let minute = Duration::from_secs(60);
    let mut node = Node::new(minute, None);
    node.quiet(minute * 3).await;
    node.posts(10..=17);
    let all: Vec<_> = (10..=17).map(|id| format!("bell, post {id}")).collect();
    assert_eq!(node.seen(8).await, all, "of several pages too");
    node.quiet(minute * 3).await;
    let mut node = Node::new(minute, Some("ring 2"));
    node.looked().await;
    node.posts([10, 20]);
    assert_eq!(node.seen(1).await, ["bell, post 20"]);
    node.quiet(minute * 3).await;
}

/// A sink as a reload makes it, which follows the account on this platform.
async fn made_anew(
    platform: &Platform,
    containing: Option<&str>,
    bookmark: &Bookmark,
) -> Following<Mute, Platform> {
    let (account, message) = ("bell".to_owned(), "doorbell".to_owned());
    let containing = containing.map(str::to_owned);
    let follow = Follow { account, message, containing, every: Duration::from_secs(60) };
    let mut following = Following::new(Mute, Some((platform.clone(), follow)));
    following.go_on(bookmark.clone());
    following.open().await.unwrap();
    following
}

async fn rings(following: &mut Following<Mute, Platform>, count: usize) -> Vec<String> {
    let mut rings = Vec::new();
    for _ in 0..count {
        let Ok(Outcome::Came(arrival)) = following.outcome().await else { panic!("nothing else happens") };
        rings.push(arrival.from);
    }
    rings
}

/// What was posted while the sink was made anew rings, and so does what the old one had found and not handed over.
#[tokio::test(start_paused = true)]
async fn a_sink_that_a_reload_changes_goes_on_where_it_was() {
    let (platform, bookmark) = (Platform::default(), Bookmark::default());
    let posts = |ids: &[u64]| platform.0.lock().unwrap().posts.extend(ids);
    posts(&[9]);
    let mut before = made_anew(&platform, None, &bookmark).await;
    sleep(Duration::from_secs(1)).await;
    posts(&[10, 11, 12]);
    assert_eq!(rings(&mut before, 1).await, ["bell, post 10"]);
    before.close().await;
    posts(&[13]);
    let mut after = made_anew(&platform, None, &bookmark).await;
    assert_eq!(rings(&mut after, 3).await, ["bell, post 11", "bell, post 12", "bell, post 13"]);
    after.close().await;
    // Numbers of another timeline say nothing.
    let other = Bookmark::default();
    other.set("elsewhere/bell", "3".to_owned());
    let mut first = made_anew(&platform, None, &other).await;
    sleep(Duration::from_secs(1)).await;
    posts(&[14]);
    assert_eq!(rings(&mut first, 1).await, ["bell, post 14"]);
}

/// What was kept back was seen all the same: it does not ring when a reload lets it through.
#[tokio::test(start_paused = true)]
async fn a_post_that_was_kept_back_does_not_ring_behind_a_reload() {
    let (platform, bookmark) = (Platform::default(), Bookmark::default());
    let posts = |ids: &[u64]| platform.0.lock().unwrap().posts.extend(ids);
    posts(&[9]);
    let mut before = made_anew(&platform, Some("ring 2"), &bookmark).await;
    sleep(Duration::from_secs(1)).await;
    posts(&[10, 20, 30]);
    assert_eq!(rings(&mut before, 1).await, ["bell, post 20"]);
    let more = timeout(Duration::from_secs(1), before.outcome()).await;
    assert!(more.is_err(), "post 30 rings nothing");
    before.close().await;
    let mut after = made_anew(&platform, None, &bookmark).await;
    posts(&[31]);
    assert_eq!(rings(&mut after, 1).await, ["bell, post 31"]);
}

/// A reload that takes `follow` out, or makes the sink one of another kind, and another one that puts it back.
#[tokio::test(start_paused = true)]
async fn what_was_posted_while_nobody_followed_does_not_ring() {
    let gone: [fn(Bookmark); 2] = [
        |bookmark| Following::<_, Platform>::new(Mute, None).go_on(bookmark),
        |bookmark| Mute.go_on(bookmark),
    ];
    for go in gone {
        let (platform, bookmark) = (Platform::default(), Bookmark::default());
        let posts = |ids: &[u64]| platform.0.lock().unwrap().posts.extend(ids);
        posts(&[9]);
        let mut before = made_anew(&platform, None, &bookmark).await;
        sleep(Duration::from_secs(1)).await;
        before.close().await;
        go(bookmark.clone());
        posts(&[10]);
        let mut after = made_anew(&platform, None, &bookmark).await;
        sleep(Duration::from_secs(1)).await;
        posts(&[11]);
        assert_eq!(rings(&mut after, 1).await, ["bell, post 11"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_knows_no_places_is_not_asked_for_ever() {
    let minute = Duration::from_secs(60);
    let mut node = Node::new(minute, None);
    node.platform.0.lock().unwrap().is_simple = true;
    node.looked().await;
    node.posts([10, 11]);
    assert_eq!(node.seen(2).await, ["bell, post 10", "bell, post 11"]);
    let before = node.readings();
    node.quiet(minute * 5 + minute / 2).await;
    assert!(node.readings() - before <= 7, "{}", node.readings() - before);
}

#[tokio::test(start_paused = true)]
async fn posts_that_are_too_many_at_once_are_not_lost_in_silence() {
    let mut node = Node::new(Duration::from_secs(60), None);
    node.looked().await;
    {
        let mut state = node.platform.0.lock().unwrap();
        (state.is_simple, state.is_cut, state.posts) = (true, true, (10..=14).collect());
    }
    let why = "more posts since the last look than are read at once: of the newest 3 each rings, the older ones do not";
    assert_eq!(node.seen(4).await, [why, "bell, post 12", "bell, post 13", "bell, post 14"]);
}

#[tokio::test(start_paused = true)]
async fn an_account_without_a_post_has_a_beginning_too() {
    let mut node = Node::new(NEVER, None);
    node.platform.0.lock().unwrap().posts.clear();
    node.looked().await;
    node.posts([10]);
    node.step(Step::Opens);
    assert_eq!(node.seen(1).await, ["bell, post 10"]);
}

#[tokio::test(start_paused = true)]
async fn trouble_is_told_once_and_over_when_it_is_over() {
    let minute = Duration::from_secs(60);
    let mut node = Node::new(minute, None);
    let away = || Failure::retry("away");
    node.platform.0.lock().unwrap().failures = [away(), away()].into();
    let why = "its posts cannot be read: away";
    assert_eq!(node.seen(1).await, [why]);
    node.quiet(minute * 4).await;
    node.platform.0.lock().unwrap().failures = [away()].into();
    assert_eq!(node.seen(1).await, [why], "again, after it was over");
    node.posts([10]);
    assert_eq!(node.seen(1).await, ["bell, post 10"]);
}

#[tokio::test(start_paused = true)]
async fn what_the_stream_tells_of_comes_at_once_and_once_with_all_before_it() {
    let mut node = Node::new(NEVER, None);
    node.looked().await;
    node.step(Step::Opens);
    node.quiet(Duration::from_secs(5)).await;
    node.posts([10, 11, 12]);
    let began = Instant::now();
    for told in [Some(12), Some(11), Some(12)] {
        node.step(Step::Tells(told));
    }
    assert_eq!(node.seen(3).await, ["bell, post 10", "bell, post 11", "bell, post 12"]);
    assert!(began.elapsed() < Duration::from_secs(1), "on a clock that does not run by itself");
    node.quiet(Duration::from_secs(60)).await;
    node.posts([13]);
    node.step(Step::Tells(None));
    assert_eq!(node.seen(1).await, ["bell, post 13"], "something came that nobody could read");
}

#[tokio::test(start_paused = true)]
async fn what_was_posted_while_the_stream_was_broken_comes_when_it_is_back() {
    let mut node = Node::new(NEVER, None);
    node.looked().await;
    node.step(Step::Opens);
    node.quiet(Duration::from_secs(5)).await;
    for round in 0..50 {
        node.posts([10 + 2 * round]);
        node.step(Step::Tells(Some(10 + 2 * round)));
        node.step(Step::Breaks);
        assert_eq!(node.seen(1).await, [format!("bell, post {}", 10 + 2 * round)]);
        node.posts([11 + 2 * round]);
        node.step(Step::Opens);
        assert_eq!(node.seen(1).await, [format!("bell, post {}", 11 + 2 * round)]);
    }
    node.quiet(Duration::from_secs(3600)).await;
}

#[tokio::test(start_paused = true)]
async fn a_post_that_does_not_show_yet_is_looked_for_and_one_that_never_does_is_given_up() {
    let mut node = Node::new(NEVER, None);
    node.looked().await;
    node.step(Step::Opens);
    node.quiet(Duration::from_secs(5)).await;
    node.platform.0.lock().unwrap().late = (10, 3);
    node.posts([10]);
    node.step(Step::Tells(Some(10)));
    assert_eq!(node.seen(1).await, ["bell, post 10"]);
    let before = node.readings();
    node.step(Step::Tells(Some(11)));
    node.quiet(Duration::from_secs(3600)).await;
    assert_eq!(node.readings() - before, 6, "a post that was taken back is not looked for for ever");
    node.posts([12]);
    node.step(Step::Tells(Some(12)));
    assert_eq!(node.seen(1).await, ["bell, post 12"]);
}

#[tokio::test(start_paused = true)]
async fn a_post_that_was_given_up_is_nothing_to_the_looks_of_the_clock() {
    let minute = Duration::from_secs(60);
    let mut node = Node::new(minute, None);
    node.looked().await;
    node.step(Step::Opens);
    node.quiet(Duration::from_secs(5)).await;
    node.step(Step::Tells(Some(11)));
    node.quiet(minute / 2).await;
    let before = node.readings();
    node.quiet(minute * 60).await;
    assert_eq!(node.readings() - before, 60, "one look a minute, as if nothing had been told");
    node.step(Step::Tells(Some(12)));
    node.quiet(minute / 2).await;
    assert!(node.readings() - before >= 66, "another one is looked for");
    node.posts([10, 12]);
    assert_eq!(
        node.seen(2).await,
        ["bell, post 10", "bell, post 12"],
        "and what shows later comes all the same"
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_told_and_cannot_be_read_is_read_soon() {
    let mut node = Node::new(NEVER, None);
    node.looked().await;
    node.step(Step::Opens);
    node.quiet(Duration::from_secs(5)).await;
    let wait = Failure::retry("busy").after(Some(Duration::from_secs(7)));
    node.platform.0.lock().unwrap().failures = [Failure::retry("busy"), wait].into();
    node.posts([10]);
    node.step(Step::Tells(Some(10)));
    let began = Instant::now();
    assert_eq!(node.seen(2).await, ["its posts cannot be read: busy", "bell, post 10"]);
    assert!((8..20).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn without_a_stream_the_clock_goes_on_and_the_reason_is_told_once() {
    let minute = Duration::from_secs(60);
    let mut node = Node::new(minute, None);
    for _ in 0..3 {
        node.step(Step::Refuses);
    }
    let why = "no stream tells of its posts, so they come with a look every 60s: nobody may listen (401)";
    assert_eq!(node.seen(1).await, [why]);
    node.posts([10]);
    assert_eq!(node.seen(1).await, ["bell, post 10"]);
    node.quiet(minute * 60).await;
    node.step(Step::Opens);
    node.quiet(minute * 60).await;
    node.step(Step::Breaks);
    node.step(Step::Refuses);
    assert_eq!(node.seen(1).await, [why], "again, after it was over");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_does_not_have_the_account_is_told_of() {
    let minute = Duration::from_secs(60);
    let mut node = Node::new(minute, None);
    node.step(Step::Opens);
    node.quiet(minute * 2).await;
    node.posts([10]);
    assert_eq!(node.seen(1).await, ["bell, post 10"]);
    // Late, and told all the same: nothing is wrong.
    node.step(Step::Tells(Some(10)));
    node.quiet(minute * 5).await;
    node.posts([11]);
    let seen = node.seen(2).await;
    assert_eq!(seen[0], "bell, post 11");
    assert!(seen[1].contains("follow bell with the account of the token"), "{seen:?}");
    node.posts([12]);
    assert_eq!(node.seen(1).await, ["bell, post 12"]);
    node.quiet(minute * 5).await;
}

/// A sink that sends nothing.
struct Mute;

impl Sink for Mute {
    async fn open(&mut self) -> Result<usize, Failure> {
        Ok(1)
    }
    fn send(&mut self, _: Message) -> Result<(), Failure> {
        Ok(())
    }
    async fn outcome(&mut self) -> Result<Outcome, Failure> {
        std::future::pending().await
    }
    async fn close(&mut self) {}
}

#[tokio::test(start_paused = true)]
async fn who_looks_once_is_told_of_timeline_and_stream_and_does_not_follow() {
    let once = async |steps: Vec<Step>, failure: Option<Failure>| {
        let platform = Platform::default();
        let (stream, script) = unbounded_channel();
        steps.into_iter().for_each(|step| drop(stream.send(step)));
        platform.0.lock().unwrap().stream = Some(Script(script));
        platform.0.lock().unwrap().failures.extend(failure);
        let (account, message) = ("bell".into(), "doorbell".into());
        let every = Duration::from_secs(60);
        let follow = Follow { account, message, containing: None, every };
        let mut sink = Following::new(Mute, Some((platform.clone(), follow)));
        let words = sink.listen().await;
        sink.open().await.unwrap();
        sleep(every * 3).await;
        assert_eq!(platform.0.lock().unwrap().readings, 1);
        words
    };
    let open = "the posts of bell can be read, and a stream tells of them";
    assert_eq!(once(vec![Step::Opens], None).await, Ok(Some(open.to_owned())));
    let without = once(vec![Step::Refuses], None).await.unwrap().unwrap();
    assert!(without.ends_with("as no stream tells of them: nobody may listen (401)"), "{without}");
    let away = Failure::retry("away");
    assert_eq!(once(vec![], Some(away.clone())).await, Err(away));
    assert_eq!(Following::<_, Platform>::new(Mute, None).listen().await, Ok(None));
}
