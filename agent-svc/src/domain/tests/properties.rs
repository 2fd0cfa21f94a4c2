//! Whatever happens in whatever order, the rules of the conversation hold.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use proptest::prelude::*;

use super::super::*;

/// Something that happens, with small numbers that may or may not fit what happened before.
#[derive(Debug, Clone)]
enum Step {
    Input(Input),
    Say,
    /// The caller presses or lets go the button, or takes the turn back.
    Button(fn(&mut Conversation, Moment) -> Result<(), TurnRefused>),
    /// The provider confirms, speaks in, or ends the response of the last request or an older one.
    Created {
        back: u32,
    },
    Audio {
        back: u32,
        samples: u16,
    },
    Tool {
        back: u32,
        call: u8,
    },
    Done {
        back: u32,
        outcome: Outcome,
    },
    Rejected {
        back: u32,
    },
    /// The speaker plays on in what it was given last.
    Played {
        samples: u16,
        finished: bool,
    },
    Spoken {
        back: u32,
        samples: u16,
        end: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![
        Just(Outcome::Completed),
        Just(Outcome::Cancelled),
        Just(Outcome::Failed)
    ];
    let button = prop_oneof![
        3 => Just(Step::Button(Conversation::start_turn)),
        3 => Just(Step::Button(Conversation::end_turn)),
        1 => Just(Step::Button(Conversation::cancel_turn)),
    ];
    let back = 0..3_u32;
    prop_oneof![
        3 => button,
        6 => input().prop_map(Step::Input),
        1 => Just(Step::Say),
        4 => back.clone().prop_map(|back| Step::Created { back }),
        6 => (back.clone(), 1..20_000_u16).prop_map(|(back, samples)| Step::Audio { back, samples }),
        3 => (back.clone(), 0..8_u8).prop_map(|(back, call)| Step::Tool { back, call }),
        3 => (back.clone(), outcome).prop_map(|(back, outcome)| Step::Done { back, outcome }),
        1 => back.clone().prop_map(|back| Step::Rejected { back }),
        5 => (1..9_000_u16, any::<bool>())
            .prop_map(|(samples, finished)| Step::Played { samples, finished }),
        3 => (back, 1..9_000_u16, any::<bool>())
            .prop_map(|(back, samples, end)| Step::Spoken { back, samples, end }),
    ]
}

fn input() -> impl Strategy<Value = Input> {
    let realtime = prop_oneof![
        4 => Just(Realtime::Connected),
        1 => Just(Realtime::Disconnected),
        1 => Just(Realtime::Replaced),
        1 => Just(Realtime::InputLost),
        3 => (0..6_u8, 0..900_u64).prop_map(|(item, ago)| Realtime::SpeechStarted {
            item: format!("user_{item}").into(),
            ago: Duration::from_millis(ago),
        }),
        2 => (0..6_u8, 0..900_u64).prop_map(|(item, ago)| Realtime::SpeechStopped {
            item: format!("user_{item}").into(),
            ago: Duration::from_millis(ago),
        }),
        2 => (0..6_u8).prop_map(|item| Realtime::Committed(format!("user_{item}").into())),
        1 => Just(Realtime::CommitRejected),
        2 => (0..6_u8).prop_map(|item| Realtime::CallerText {
            item: format!("user_{item}").into(),
            text: Some("words".into()),
        }),
    ];
    let tool = (0..8_u8, any::<bool>()).prop_map(|(call, ends)| Input::ToolFinished {
        call: format!("call_{call}").into(),
        result: ToolResult {
            status: ToolStatus::Ok,
            output: "{}".into(),
            sources: Vec::new(),
            effect: ends.then_some(ToolEffect::EndCall),
        },
    });
    prop_oneof![
        2 => Just(Input::Joined),
        3 => Just(Input::CallerJoined),
        1 => Just(Input::MicrophoneOpened),
        1 => (0..2_000_u64).prop_map(|ms| Input::PlayoutDelay(Duration::from_millis(ms))),
        1 => Just(Input::CallerLeft { hung_up: false }),
        1 => Just(Input::Greeting("Hello there.".into())),
        1 => Just(Input::GiveUp(EndReason::MediaError)),
        1 => Just(Input::Message("What plan am I on?".into())),
        6 => Just(Input::SpeechStarted { voiced_from: Moment::default() }),
        6 => Just(Input::SpeechEnded { voiced_until: Moment::default() }),
        4 => (0..6_u32, prop::option::of(0.0..=1.0_f32)).prop_map(|(pause, complete)| {
            Input::TurnJudged { pause: PauseId(pause), complete }
        }),
        4 => (
            0..6_u32,
            prop::option::of((
                prop_oneof!["", "Okay.", "Stop that.", "some words"],
                0.0..=1.0_f32,
            )),
        )
            .prop_map(|(sound, heard)| Input::SoundRecognised {
                sound: SoundId(sound),
                heard: heard.map(|(text, confidence)| Heard::of(&text, confidence)),
            }),
        8 => realtime.prop_map(Input::Realtime),
        3 => tool,
        4 => Just(Input::Tick),
    ]
}

/// Drives a conversation and checks every output against what came before.
struct Watch {
    conversation: Conversation,
    turn_detection: TurnDetection,
    now: Duration,
    asked: Option<(Ticket, Duration)>,
    last_ticket: Option<u32>,
    /// Responses that the provider has ended; a confused one may report them once more.
    done: HashSet<u32>,
    cancelled: HashSet<u32>,
    stopped: HashSet<SpeechId>,
    synthesised: Vec<SpeechId>,
    playing: Option<(SpeechId, u64, u64)>,
    finishing: bool,
    received: HashMap<ItemId, u64>,
    calls: HashMap<ToolCallId, u32>,
    answers: HashMap<ToolCallId, u32>,
    shown: HashMap<SegmentId, String>,
    ended: u32,
}

impl Watch {
    fn new(turn_detection: TurnDetection) -> Self {
        Self {
            conversation: Conversation::new(Settings {
                turn_detection,
                ..Settings::default()
            }),
            turn_detection,
            now: Duration::ZERO,
            asked: None,
            last_ticket: None,
            done: HashSet::new(),
            cancelled: HashSet::new(),
            stopped: HashSet::new(),
            synthesised: Vec::new(),
            playing: None,
            finishing: false,
            received: HashMap::new(),
            calls: HashMap::new(),
            answers: HashMap::new(),
            shown: HashMap::new(),
            ended: 0,
        }
    }

    fn ticket(&self, back: u32) -> u32 {
        self.last_ticket
            .map_or(NEVER_ASKED, |last| last.saturating_sub(back))
    }

    fn step(&mut self, after: u64, step: Step) {
        self.now += Duration::from_millis(after);
        match step {
            Step::Input(input) => self.input(self.timed(input)),
            Step::Button(button) => {
                let pressed = button(&mut self.conversation, Moment::after(self.now));
                let is_manual = self.turn_detection == TurnDetection::Manual;
                assert!(is_manual || pressed == Err(TurnRefused::NotManual));
                self.outputs();
            }
            Step::Say => {
                let _ = self
                    .conversation
                    .say(Moment::after(self.now), "A word.".into());
                self.outputs();
            }
            Step::Created { back } => {
                let ticket = self.ticket(back);
                self.realtime(Realtime::ResponseCreated {
                    response: response(ticket),
                    ticket: Some(Ticket(ticket)),
                });
            }
            Step::Audio { back, samples } => self.audio(self.ticket(back), samples),
            Step::Tool { back, call } => self.tool(self.ticket(back), call),
            Step::Done { back, outcome } => {
                let ticket = self.ticket(back);
                self.done.insert(ticket);
                self.resolved(ticket);
                self.realtime(Realtime::ResponseDone {
                    response: response(ticket),
                    ticket: Some(Ticket(ticket)),
                    outcome,
                });
            }
            Step::Rejected { back } => {
                let ticket = self.ticket(back);
                self.resolved(ticket);
                self.realtime(Realtime::ResponseRejected(Ticket(ticket)));
            }
            Step::Played { samples, finished } => self.played(samples.into(), finished),
            Step::Spoken { back, samples, end } => self.spoken(back as usize, samples, end),
        }
    }

    fn timed(&self, input: Input) -> Input {
        let ago = |ms| Moment::after(self.now.saturating_sub(Duration::from_millis(ms)));
        match input {
            Input::SpeechStarted { .. } => Input::SpeechStarted {
                voiced_from: ago(60),
            },
            Input::SpeechEnded { .. } => Input::SpeechEnded {
                voiced_until: ago(250),
            },
            other => other,
        }
    }

    fn resolved(&mut self, ticket: u32) {
        if self.asked.is_some_and(|(asked, _)| asked.0 == ticket) {
            self.asked = None;
        }
    }

    fn audio(&mut self, ticket: u32, samples: u16) {
        let item = ItemId::from(format!("item_{ticket}"));
        *self.received.entry(item.clone()).or_default() += u64::from(samples);
        self.realtime(Realtime::Text {
            response: response(ticket),
            item: item.clone(),
            delta: "some words ".into(),
        });
        self.realtime(Realtime::Audio {
            response: response(ticket),
            item,
            audio: vec![ticket as i16; samples.into()],
        });
    }

    fn tool(&mut self, ticket: u32, call: u8) {
        let request = ToolRequest {
            call: format!("call_{call}").into(),
            name: "tool".into(),
            arguments: "{}".into(),
        };
        if self.ended == 0 {
            *self.calls.entry(request.call.clone()).or_default() += 1;
        }
        let response = response(ticket);
        self.realtime(Realtime::ToolCall { response, request });
    }

    fn played(&mut self, samples: u64, finished: bool) {
        let Some((speech, queued, played)) = &mut self.playing else {
            return;
        };
        *played = (*played + samples).min(*queued);
        let (speech, played, all) = (*speech, Samples(*played), *played == *queued);
        let event = if finished && all && self.finishing {
            self.playing = None;
            Playout::Finished { speech, played }
        } else {
            Playout::Progress { speech, played }
        };
        self.input(Input::Playout(event));
    }

    fn spoken(&mut self, back: usize, samples: u16, end: bool) {
        let Some(speech) = self.synthesised.iter().rev().nth(back).copied() else {
            return;
        };
        let audio = vec![-1; samples.into()];
        self.input(Input::SpokenAudio { speech, audio });
        if end {
            self.input(Input::SpokenEnd {
                speech,
                complete: true,
            });
        }
    }

    fn realtime(&mut self, event: Realtime) {
        if event == Realtime::Disconnected {
            self.asked = None;
        }
        self.input(Input::Realtime(event));
    }

    fn input(&mut self, input: Input) {
        if let Input::Realtime(Realtime::Disconnected | Realtime::Replaced) = input {
            self.asked = None;
        }
        let now = Moment::after(self.now);
        self.conversation.handle(now, input);
        self.outputs();
        // Until the end there is always a moment to come back at, and never one that has passed.
        match self.conversation.next_deadline() {
            Some(deadline) => assert!(deadline > now, "what is due is not done"),
            None => assert_eq!(self.ended, 1, "stuck"),
        }
    }

    fn outputs(&mut self) {
        while let Some(output) = self.conversation.poll() {
            assert_eq!(self.ended, 0, "{output:?} came after the end");
            self.check(output);
        }
    }

    fn check(&mut self, output: Output) {
        match output {
            Output::CreateResponse { ticket, .. } => {
                let timeout = Settings::default().confirm_timeout;
                if let Some((asked, when)) = self.asked {
                    assert!(
                        self.now >= when + timeout,
                        "{ticket:?} while {asked:?} runs"
                    );
                }
                self.asked = Some((ticket, self.now));
                self.last_ticket = Some(ticket.0);
            }
            Output::CancelResponse(id) => {
                let number = id.as_str().trim_start_matches("resp_");
                let number = number.parse().expect("a number");
                if !self.done.contains(&number) {
                    self.cancelled.insert(number);
                }
            }
            Output::Play { speech, audio } => self.check_play(speech, &audio),
            Output::FinishPlaying(_) => self.finishing = true,
            Output::Stop(speech) => {
                self.stopped.insert(speech);
                self.playing = None;
            }
            Output::Synthesise { speech, .. } => self.synthesised.push(speech),
            Output::Truncate { item, audio_end_ms } => {
                let received = Samples(self.received[&item]).as_millis();
                assert!(
                    (1..=received).contains(&audio_end_ms),
                    "{audio_end_ms} of {received}"
                );
            }
            Output::AnswerTool { call, .. } => *self.answers.entry(call).or_default() += 1,
            Output::Transcript {
                segment,
                role: Role::Assistant,
                text,
                is_final,
            } => {
                let before = self.shown.entry(segment).or_default();
                let grows = text.starts_with(before.trim_end());
                assert!(grows, "{before:?} became {text:?} (final: {is_final})");
                *before = text;
            }
            Output::OpenInput => assert_eq!(self.turn_detection, TurnDetection::Manual),
            Output::CloseInput => assert!(self.turn_detection.is_providers()),
            Output::End(_) => self.ended += 1,
            _ => {}
        }
    }

    fn check_play(&mut self, speech: SpeechId, audio: &[i16]) {
        assert!(
            !self.stopped.contains(&speech),
            "{speech:?} is played after its stop"
        );
        if let Ok(ticket) = u32::try_from(audio[0]) {
            assert!(
                !self.cancelled.contains(&ticket),
                "a cancelled response is played"
            );
        }
        match &mut self.playing {
            Some((current, queued, _)) if *current == speech => *queued += audio.len() as u64,
            playing => {
                assert!(playing.is_none(), "{speech:?} cuts into {playing:?}");
                *playing = Some((speech, audio.len() as u64, 0));
                self.finishing = false;
            }
        }
    }

    /// From here on only time passes: the call must end by itself.
    fn run_out(&mut self) {
        for _ in 0..200 {
            let Some(deadline) = self.conversation.next_deadline() else {
                break;
            };
            self.now = self.now.max(deadline.since_start());
            self.input(Input::Tick);
        }
        assert_eq!(self.ended, 1, "the call does not end");
        for call in self.calls.keys() {
            let answers = self.answers.get(call).copied().unwrap_or(0);
            assert_eq!(answers, 1, "{call} was answered {answers} times");
        }
    }
}

/// The response that a confused provider speaks of before anything was asked of it.
const NEVER_ASKED: u32 = 9_999;

fn response(ticket: u32) -> ResponseId {
    format!("resp_{ticket}").into()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_events_breaks_the_rules(
        turn_detection in prop::sample::select(TurnDetection::ALL.to_vec()),
        steps in prop::collection::vec((0..900_u64, step()), 1..120)
    ) {
        let mut watch = Watch::new(turn_detection);
        for input in [Input::Joined, Input::CallerJoined, Input::Realtime(Realtime::Connected)] {
            watch.input(input);
        }
        for (after, step) in steps {
            watch.step(after, step);
        }
        watch.run_out();
    }
}
