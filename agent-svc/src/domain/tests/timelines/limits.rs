//! Limits of the call, and what is said before they are reached.

use insta::assert_snapshot;

use super::transcript;

#[test]
fn a_caller_without_a_microphone_gets_a_hint_before_the_call_ends() {
    assert_snapshot!(transcript(r#"
           0 no microphone
           0 greeting "Hello Ada."
           0 call begins
    "#), @r"
        0  -> Initializing
        0  synthesise 1: Hello Ada.
        0  -> Idle
        0  -> Listening
      100  play 1
      100  -> Speaking
      690  Assistant: Hello Ada.
      690  tell model: Hello Ada.
      690  store 1 Assistant: Hello Ada.
      690  -> Listening
    10690  Trouble(NoMicrophone)
    30690  synthesise 2: I cannot hear you. Please check that your microphone is on.
    30790  play 2
    30790  -> Speaking
    34320  Assistant: I cannot hear you. Please check that your microphone is on.
    34320  tell model: I cannot hear you. Please check that your microphone is on.
    34320  store 2 Assistant: I cannot hear you. Please check that your microphone is on.
    34320  -> Listening
    60690  synthesise 3: I still cannot hear you, so I will hang up now. Please call again when your microphone works. Goodbye.
    60790  play 3
    60790  -> Speaking
    66900  Assistant: I still cannot hear you, so I will hang up now. Please call again when your microphone works. Goodbye.
    66900  tell model: I still cannot hear you, so I will hang up now. Please call again when your microphone works. Goodbye.
    66900  store 3 Assistant: I still cannot hear you, so I will hang up now. Please call again when your microphone works. Goodbye.
    66900  end call: MicrophoneMissing
    ");
}

#[test]
fn a_caller_who_was_asked_for_and_answers_is_not_hung_up_on() {
    assert_snapshot!(transcript(r#"
           0 call begins
       32000 caller speaks 800 "Yes, I am here."
       50000 caller hangs up
    "#), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
    30000  synthesise 1: Are you still there?
    30100  play 1
    30100  -> Speaking
    31290  Assistant: Are you still there?
    31290  tell model: Are you still there?
    31290  store 1 Assistant: Are you still there?
    31290  -> Listening
    33000  judge pause 1
    33230  commit audio
    33230  create response 1
    33230  -> Thinking
    33430  User: Yes, I am here.
    33430  store 2 User: Yes, I am here.
    33430  play 2
    33430  -> Speaking
    34020  Assistant: All right.
    34020  store 3 Assistant: All right. (430 + 200 -> 630 ms)
    34020  -> Listening
    50000  end call: UserHangup
    ");
}

#[test]
fn silence_and_length_end_the_call_with_a_word() {
    assert_snapshot!(transcript("0 call begins"), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
    30000  synthesise 1: Are you still there?
    30100  play 1
    30100  -> Speaking
    31290  Assistant: Are you still there?
    31290  tell model: Are you still there?
    31290  store 1 Assistant: Are you still there?
    31290  -> Listening
    60000  synthesise 2: I have not heard anything for a while, so I will hang up now. Goodbye.
    60100  play 2
    60100  -> Speaking
    64290  Assistant: I have not heard anything for a while, so I will hang up now. Goodbye.
    64290  tell model: I have not heard anything for a while, so I will hang up now. Goodbye.
    64290  store 2 Assistant: I have not heard anything for a while, so I will hang up now. Goodbye.
    64290  end call: Silence
    ");
}

#[test]
fn the_longest_call_ends_with_a_word() {
    let mut script = String::from("0 call begins\n");
    for turn in 1..60 {
        script += &format!("{} caller speaks 1000 \"Go on.\"\n", turn * 40_000);
    }
    // The warning does not talk over the caller.
    script += "1739500 caller speaks 2000 \"And then?\"\n";
    let written = transcript(&script);
    let time = |line: &str| {
        line.split_whitespace()
            .next()
            .and_then(|at| at.parse().ok())
    };
    let end = written
        .lines()
        .skip_while(|line| time(line) < Some(1_739_000_u64));
    let end: Vec<&str> = end.filter(|line| !line.contains("judge")).collect();
    assert_snapshot!(end.join("\n"), @r"
    1740000  synthesise 87: Just so you know, this call has to end in about a minute.
    1741930  commit audio
    1741930  create response 44
    1741930  -> Thinking
    1742130  User: And then?
    1742130  store 130 User: And then?
    1742130  play 88
    1742130  -> Speaking
    1742720  Assistant: All right.
    1742720  store 131 Assistant: All right. (430 + 200 -> 630 ms)
    1742720  play 87
    1746140  Assistant: Just so you know, this call has to end in about a minute.
    1746140  tell model: Just so you know, this call has to end in about a minute.
    1746140  store 132 Assistant: Just so you know, this call has to end in about a minute.
    1746140  -> Listening
    1761430  commit audio
    1761430  create response 45
    1761430  -> Thinking
    1761630  User: Go on.
    1761630  store 133 User: Go on.
    1761630  play 89
    1761630  -> Speaking
    1762220  Assistant: All right.
    1762220  store 134 Assistant: All right. (430 + 200 -> 630 ms)
    1762220  -> Listening
    1792220  synthesise 90: Are you still there?
    1792320  play 90
    1792320  -> Speaking
    1793510  Assistant: Are you still there?
    1793510  tell model: Are you still there?
    1793510  store 135 Assistant: Are you still there?
    1793510  -> Listening
    1800000  synthesise 91: We have reached the longest time a call may last. Goodbye.
    1800100  play 91
    1800100  -> Speaking
    1801200  clear audio
    1803570  Assistant: We have reached the longest time a call may last. Goodbye.
    1803570  tell model: We have reached the longest time a call may last. Goodbye.
    1803570  store 136 Assistant: We have reached the longest time a call may last. Goodbye.
    1803570  end call: TimeLimit
    ");
}

#[test]
fn a_caller_who_never_comes_or_does_not_come_back_is_not_waited_for() {
    assert_snapshot!(transcript("0 joined
                                 0 provider connects"), @r"
        0  -> Initializing
        0  -> Idle
    60000  end call: ParticipantLost
    ");
    assert_snapshot!(transcript("0 call begins
                              1000 caller is lost"), @r"
        0  -> Initializing
        0  -> Idle
        0  -> Listening
     1000  clear audio
     1000  -> Idle
    21000  end call: ParticipantLost
    ");
}

#[test]
fn a_call_that_cannot_be_held_is_excused_as_soon_as_the_caller_listens() {
    assert_snapshot!(transcript(r#"
           0 joined
           0 nobody knows the caller "Hello."
        1000 nobody can say who calls
        2000 caller joins
    "#), @r"
       0  -> Initializing
       0  -> Idle
    2000  synthesise 1: I am sorry, I have a technical problem and must end this call. Please try again in a moment.
    2000  -> Listening
    2100  play 1
    2100  -> Speaking
    2300  greet a stranger
    7610  Assistant: I am sorry, I have a technical problem and must end this call. Please try again in a moment.
    7610  tell model: I am sorry, I have a technical problem and must end this call. Please try again in a moment.
    7610  store 1 Assistant: I am sorry, I have a technical problem and must end this call. Please try again in a moment.
    7610  end call: MediaError
    ");
}
