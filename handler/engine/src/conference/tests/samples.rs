//! Invented invitations in the forms that the services write. "One piece" in a name: it comes back
//! exactly as it was. "Cut short": it has no end of its own, so what follows goes with it.

pub(super) const BLOCKS: &[(&str, &str)] = &[
    (
        "Teams, classic, one piece",
        "\
________________________________________________________________________________
Microsoft Teams meeting
Join on your computer, mobile app or room device
Click here to join the meeting<https://teams.microsoft.com/l/meetup-join/19%3ameeting_aaaa%40thread.v2/0?context=%7b%22Tid%22%3a%220%22%7d>
Meeting ID: 111 222 333 444
Passcode: aBcDeF
Or call in (audio only)
+372 600 0000,,123456789#<tel:+3726000000,,123456789#>   Estonia, Tallinn
Phone Conference ID: 123 456 789#
Find a local number<https://dialin.teams.microsoft.com/0000> | Reset PIN<https://dialin.teams.microsoft.com/usp/pstnconferencing>
Learn More<https://aka.ms/JoinTeamsMeeting> | Meeting options<https://teams.microsoft.com/meetingOptions/?organizerId=0000>
________________________________________________________________________________",
    ),
    (
        "Teams, new, with an inner rule, one piece",
        "\
________________________________________________________________________________
Microsoft Teams Need help?<https://aka.ms/JoinTeamsMeeting?omkt=en-US>
Join the meeting now<https://teams.microsoft.com/l/meetup-join/19%3ameeting_bbbb%40thread.v2/0>
Meeting ID: 222 333 444 555
Passcode: Zz9yXw
________________________________
Dial in by phone
+1 555-555-0100,,987654321#<tel:+15555550100,,987654321#> United States, Springfield
Find a local number<https://dialin.teams.microsoft.com/1111?id=987654321>
Phone conference ID: 987 654 321#
Join on a video conferencing device
Tenant key: rooms@example.org
Video ID: 333 444 555 6
More info<https://example.org/rooms>
For organizers: Meeting options<https://teams.microsoft.com/meetingOptions/?x=1> | Reset dial-in PIN<https://dialin.teams.microsoft.com/usp/pstnconferencing>
________________________________________________________________________________",
    ),
    (
        "Teams, new, without a closing rule",
        "\
________________________________________________________________________________
Microsoft Teams Need help?
Join the meeting now
Meeting ID: 222 333 444 555
________________________________
Dial in by phone
+1 555-555-0100,,987654321# United States, Springfield
For organizers: Meeting options | Reset dial-in PIN",
    ),
    (
        "Teams, new, without any rule, one piece",
        "\
Microsoft Teams Need help?<https://aka.ms/JoinTeamsMeeting?omkt=en-US>
Join the meeting now<https://teams.microsoft.com/l/meetup-join/19%3ameeting_ffff%40thread.v2/0>
Meeting ID: 222 333 444 555
Passcode: Zz9yXw

Dial in by phone
+1 555-555-0100,,987654321# United States, Springfield
Find a local number<https://dialin.teams.microsoft.com/1111?id=987654321>
Phone conference ID: 987 654 321#
For organizers: Meeting options<https://teams.microsoft.com/meetingOptions/?x=1> | Reset dial-in PIN<https://dialin.teams.microsoft.com/usp/pstnconferencing>",
    ),
    (
        "Teams, cut short in the middle",
        "\
________________________________________________________________________________
Microsoft Teams Need help?<https://aka.ms/JoinTeamsMeeting?omkt=en-US>
Join the meeting now<https://teams.live.com/meet/93300000000?p=abc>
Ein Satz ohne Ende",
    ),
    (
        "Teams, German, one piece",
        "\
________________________________________________________________________________
Microsoft Teams Benötigen Sie Hilfe?<https://aka.ms/JoinTeamsMeeting?omkt=de-DE>
Jetzt an der Besprechung teilnehmen<https://teams.microsoft.com/l/meetup-join/19%3ameeting_cccc%40thread.v2/0>
Besprechungs-ID: 333 444 555 666
Kennwort: Qq1Ww2
________________________________
Über das Telefon einwählen
+49 30 0000000,,111222333# Deutschland, Musterstadt
Telefonkonferenz-ID: 111 222 333#
Für Organisatoren: Besprechungsoptionen<https://teams.microsoft.com/meetingOptions/?x=2>
________________________________________________________________________________",
    ),
    (
        "Teams, French, one piece",
        "\
________________________________________________________________________________
Réunion Microsoft Teams
Participez depuis un ordinateur ou un téléphone
Rejoindre<https://teams.microsoft.com/l/meetup-join/19%3ameeting_dddd%40thread.v2/0>
Identifiant : 444 555 666 777
Code secret : Ee3Rr4
En savoir plus<https://aka.ms/JoinTeamsMeeting?omkt=fr-FR>
________________________________________________________________________________",
    ),
    (
        "Teams, Estonian, one piece",
        "\
________________________________________________________________________________
Microsoft Teamsi koosolek
Liitu arvutist või telefonist
Vajuta siia, et liituda<https://teams.microsoft.com/l/meetup-join/19%3ameeting_eeee%40thread.v2/0>
Koosoleku tunnus: 555 666 777 888
Pääsukood: Tt5Yy6
________________________________________________________________________________",
    ),
    (
        "Google Meet, fenced, one piece",
        "\
-::~:~::~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~::~:~::-
Join with Google Meet: https://meet.google.com/abc-defg-hij
Or dial: (US) +1 555-555-0100 PIN: 123456789#
More phone numbers: https://tel.meet/abc-defg-hij?pin=123456789&hs=7

Ühest lausest, mis on tõlgitud, ei tea me midagi.

Please leave this section of the text alone.
-::~:~::~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~::~:~::-",
    ),
    (
        "Google Meet, fence cut short",
        "\
-::~:~::~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~:~::~:~::-
Videokõne: https://meet.google.com/abc-defg-hij",
    ),
    (
        "Google Meet, without a fence, one piece",
        "\
Join with Google Meet: https://meet.google.com/abc-defg-hij
Or dial: (US) +1 555-555-0100 PIN: 123456789#
More phone numbers: https://tel.meet/abc-defg-hij?pin=123456789",
    ),
    (
        "Zoom, long",
        "\
Alex Example is inviting you to a scheduled Zoom meeting.

Topic: Budget 2027
Time: Oct 12, 2026 10:00 AM Helsinki

Join Zoom Meeting
https://us02web.zoom.us/j/81234567890?pwd=abcdefghij.1

Meeting ID: 812 3456 7890
Passcode: 123456

---

One tap mobile
+3726000000,,81234567890#,,,,*123456# Estonia
+15555550100,,81234567890#,,,,*123456# US

---

Dial by your location
• +372 600 0000 Estonia
        +1 555 555 0100 US (Springfield)
• 888 555 0100 US Toll-free
Meeting ID: 812 3456 7890
Passcode: 123456
Find your local number: https://us02web.zoom.us/u/kabcdefgh

---

Join by SIP
• 81234567890@zoomcrc.com

Join by H.323
• 192.0.2.10 (US West)
• 192.0.2.20 (Europe)
Meeting ID: 812 3456 7890
Passcode: 123456",
    ),
    (
        "Zoom, short, one piece",
        "\
Join Zoom Meeting
https://zoom.us/j/81234567890
Meeting ID: 812 3456 7890
Passcode: 123456",
    ),
    (
        "Webex, one piece",
        "\
-- Do not delete or change any of the following text. --

When it is time, enter here.

Join meeting
https://example.webex.com/example/j.php?MTID=m0000

More ways to join:

Join from the meeting link
https://example.webex.com/example/j.php?MTID=m0000

Join by meeting number
Meeting number (access code): 2345 000 0000
Meeting password: abc123 (12345678 when dialing from a phone)

Tap to join from a mobile device (attendees only)
+1-555-555-0100,,23450000000## United States Toll

Join by phone
+1-555-555-0100 United States Toll
Global call-in numbers<https://example.webex.com/example/globalcallin.php?MTID=t0000>

Join from a video system or application
Dial 23450000000@example.webex.com
You can also dial 192.0.2.30 and enter your meeting number.

Need help? Go to https://help.webex.com",
    ),
    (
        "Webex, short",
        "\
Join the Webex meeting
https://example.webex.com/meet/alex
Access code: 2345 000 0000",
    ),
    (
        "GoTo",
        "\
Please join my meeting from your computer, tablet or smartphone.
https://meet.goto.com/123456789

You can also dial in using your phone.
(Toll-Free)
United States: +1 (555) 555-0100

Access Code: 123-456-789

Get the app now and be ready when your first meeting starts:
https://meet.goto.com/install",
    ),
    (
        "A wrapped link, one piece",
        "Click here to join the \
        meeting<https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fteams.microsoft.com%2Fl%2Fmeetup-join%2Fx&data=05%7C02%7C&reserved=0>",
    ),
    ("A link wrapped by a redirect, one \
    piece", "Link: https://www.google.com/url?q=https://zoom.us/j/1&sa=D&usg=x"),
    ("A link wrapped by a filter, one \
    piece", "<https://urldefense.com/v3/__https://example.webex.com/meet/x__;!!a-b$>"),
    ("What HTML left", "<a href=\"https://zoom.us/j/1?pwd=2\" target=\"_blank\">Join Zoom \
    Meeting</a>"),
    ("What Markdown left", "[Join now](https://meet.jit.si/room)"),
];

pub(super) const FRAGMENTS: &[&str] = &[
    "Agenda",
    "Bring the plan, please.",
    "- item",
    "Õhtul",
    "jo\u{308}",
    "",
    "https://zoom.us/j/1?pwd=2",
    "https://example.org/x",
    "zoom.us",
    "zo",
    "om.us",
    ".us",
    "meet.google.com/abc",
    "sip@example.webex.com",
    "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fzoom.us%2Fj%2F1",
    "https%3A%2F%2Fzoom",
    "%2E",
    "us",
    "tel:+372600",
    "tel:",
    "+372 600 0000",
    "+372600000,,1#",
    "<",
    ">",
    "(",
    ")",
    "[",
    "](",
    "|",
    "\"",
    "<a href=\"",
    "</a>",
    "---",
    "- ",
    "____________________",
    "________________________________________",
    "Microsoft Teams",
    "Meeting options",
    "Learn More",
    "-::~:~::~:~:~:~:~:~:~:~:~:~:~:~:~:~:~::~:~::-",
    "Join:",
    "Link",
    "Join Zoom Meeting",
    "Meeting ID: 1",
    "Passcode: 2",
    "Dial in by phone",
    "United States: +1 555 555 0100",
    "Topic: x",
    "Alex is inviting you to a scheduled Zoom meeting.",
    "Join the meeting",
    "-- Do not delete or change any of the following text. --",
    "Access code: 1",
    "-- Joining details (kept by Calrelay) --",
    "-- Joining details ",
    "(kept by Calrelay) --",
    "-- End of joining details --",
    "Zoom",
    "Microsoft Teams Meeting;",
    "Room 5;",
];
