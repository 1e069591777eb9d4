//! What each article is made of: shapes on a sheet of 400 by 300, the lowest first.

use Form::{All, Arc, Area, Blob, Grid, Half, Line, Oval, Rays, Rect, Rope, Twin};
use LayerStep::{Even, In, Odd, Put};
use Tint::{Accent, Bark, Deep, Dim, Fern, Glow, Ink, Iron, Leaf, Main, Mist, Paper, Second, Shine, Steel, Wood};

/// A colour by its role, so that every picture can have its own.
#[derive(Clone, Copy)]
pub(super) enum Tint {
    Main,
    Deep, // A darker main colour.
    Second,
    Accent,
    Ink,
    Paper,
    Steel,
    Iron,
    Wood,
    Bark,
    Leaf,
    Fern,
    Glow, // From here on, what is below shows through.
    Mist,
    Shine,
    Dim,
}

type Points = &'static [(i16, i16)];

pub(super) enum Form {
    Oval(i16, i16, i16, i16),           // Centre, half the width, half the height.
    Rect(i16, i16, i16, i16, i16),      // Left, top, width, height, radius of the corners.
    Line(Points, i16),                  // Straight from point to point, with a width.
    Rope(Points, i16), // A line that is only pulled towards the points between its ends, and its width.
    Area(Points, i16), // A polygon, and by how much it is grown with round corners.
    Blob(Points),      // A closed shape that is pulled towards points; one given twice is a corner.
    Half(Points),      // The same from its right half, which is mirrored in the middle of the sheet.
    Arc(i16, i16, i16, i16, i16, i16), // Centre, radius, from and to which angle (as in `turn`), width.
    Grid(i16, i16, i16, i16, i16, i16), // Squares: left, top, columns, rows, from one to the next, size.
    Rays(i16, i16, i16, i16, i16, i16), // Centre, inner and outer radius, how many, width.
    All(&'static [Self]),
    Twin(&'static [Self]), // All of them, and their mirror images.
}

pub(super) enum LayerStep {
    Put(Tint, Form),
    In(Tint, Form),   // Only where the last shape is that was put.
    Odd(Tint, Form),  // The same, in every other picture.
    Even(Tint, Form), // The same, in the other half of the pictures.
}

/// What may be behind an article, in pixels: a disc, a tilted square, a hill to stand on.
pub(super) const BACKDROPS: [Form; 3] =
    [Oval(246, 172, 152, 152), Area(&[(190, 62), (344, 120), (286, 274), (132, 216)], 30), Oval(240, 480, 440, 230)];

/// By how many degrees an article leans, and by how many more at random: none when it stands on the ground.
pub(super) fn lean(subject: &str) -> (i16, i16) {
    match subject {
        "racket" | "guitar" => (32, 8),
        "key" => (-30, 14),
        "phone" | "book" | "ball" | "shirt" | "ticket" | "watch" => (0, 9),
        "keyboard" | "mouse" | "charger" | "console" => (0, 7),
        _ => (0, 0),
    }
}

#[expect(clippy::too_many_lines, reason = "a table, one shape a line")]
pub(super) fn steps(subject: &str) -> &'static [LayerStep] {
    match subject {
        "phone" => &[
            Put(Deep, Rect(260, 92, 12, 44, 4)),
            Put(Main, Rect(132, 22, 136, 256, 26)),
            Put(Ink, Rect(138, 28, 124, 244, 20)),
            Put(Second, Rect(143, 33, 114, 234, 16)),
            Even(Accent, Blob(&[(100, 215), (170, 120), (230, 230), (300, 150), (300, 320), (100, 320)])),
            Even(Paper, Oval(225, 92, 17, 17)),
            Odd(Accent, Oval(150, 270, 96, 96)),
            Odd(Paper, Grid(158, 76, 3, 3, 31, 22)),
            In(Shine, Area(&[(143, 33), (225, 33), (143, 190)], 0)),
            In(Ink, Rect(177, 40, 46, 12, 6)),
        ],
        "laptop" => &[
            Put(Ink, Rect(96, 56, 208, 146, 11)),
            Put(Main, Rect(105, 65, 190, 122, 4)),
            Even(Accent, Oval(262, 100, 20, 20)),
            Even(Second, Blob(&[(60, 190), (140, 90), (200, 200), (260, 120), (340, 190), (300, 230), (90, 230)])),
            Odd(Paper, Rect(125, 84, 104, 84, 5)),
            Odd(Steel, All(&[Line(&[(140, 103), (190, 103)], 9), Line(&[(140, 125), (210, 125)], 5)])),
            Odd(Accent, Rect(190, 120, 82, 56, 5)),
            In(Shine, Area(&[(105, 65), (205, 65), (140, 187), (105, 187)], 0)),
            Put(Steel, All(&[Half(&[(296, 200), (296, 200), (330, 236), (330, 236)]), Rect(66, 231, 268, 9, 4)])),
            In(Ink, Half(&[(288, 205), (288, 205), (300, 219), (300, 219)])),
            In(Dim, Rect(66, 231, 268, 9, 4)),
        ],
        "book" => &[
            Put(Accent, Area(&[(222, 235), (244, 235), (244, 292), (233, 280), (222, 292)], 0)),
            Put(Deep, Rect(118, 40, 172, 228, 10)),
            Put(Paper, Rect(122, 44, 160, 216, 4)),
            Put(Main, Rect(114, 30, 168, 218, 10)),
            Even(Paper, Rect(158, 62, 100, 56, 5)),
            Even(Main, All(&[Line(&[(176, 82), (240, 82)], 8), Line(&[(190, 99), (226, 99)], 5)])),
            Even(Second, Oval(208, 186, 34, 34)),
            Odd(Second, Blob(&[(100, 250), (150, 130), (200, 230), (250, 130), (320, 210), (310, 300), (100, 300)])),
            Odd(Accent, Oval(240, 124, 22, 22)),
            Odd(Paper, All(&[Line(&[(160, 60), (236, 60)], 11), Line(&[(160, 80), (204, 80)], 7)])),
            In(Dim, Rect(114, 30, 24, 218, 0)),
        ],
        "ball" => &[
            Put(Main, Oval(200, 150, 120, 120)),
            Even(Ink, All(&[Rays(200, 150, 0, 120, 4, 7), Twin(&[Arc(62, 150, 92, 0, 360, 7)])])),
            Odd(Paper, Oval(200, 150, 130, 130)),
            Odd(Main, Area(&[(238, 150), (212, 186), (169, 172), (169, 128), (212, 114)], 4)),
            Odd(Main, All(&[Rays(200, 150, 30, 80, 5, 6), Rays(200, 150, 118, 119, 5, 78)])),
            In(Dim, Blob(&[(310, 50), (330, 210), (190, 270), (70, 210), (80, 330), (360, 330), (380, 60)])),
        ],
        "racket" => &[
            Put(Iron, Half(&[(208, 6), (278, 6), (272, 150), (206, 176)])),
            In(Paper, Grid(126, 6, 11, 13, 14, 12)),
            Put(Main, All(&[Half(&[(222, 168), (196, 178), (204, 214)]), Line(&[(200, 168), (200, 270)], 9)])),
            Put(Main, Twin(&[Rope(&[(200, 10), (272, 8), (276, 110), (240, 172), (200, 174)], 12)])),
            Put(Ink, Rect(189, 262, 22, 98, 9)),
            In(Shine, All(&[Line(&[(180, 290), (220, 280)], 4), Line(&[(180, 310), (220, 300)], 4)])),
            Put(Paper, Area(&[(104, 236), (150, 248), (116, 302), (90, 296)], 4)),
            Put(Accent, All(&[Oval(101, 308, 16, 16), Rect(187, 346, 26, 16, 6)])),
        ],
        "chair" => &[
            Put(Bark, Twin(&[Line(&[(244, 180), (254, 262)], 10)])),
            Put(Wood, Twin(&[Line(&[(262, 170), (254, 46)], 11), Line(&[(266, 190), (280, 280)], 12)])),
            Put(Main, Rect(130, 30, 140, 86, 22)),
            Even(Deep, Grid(162, 68, 4, 1, 22, 10)),
            Odd(Deep, Rect(120, 70, 160, 6, 0)),
            Put(Deep, Rect(118, 170, 164, 26, 12)),
            Put(Main, Rect(114, 158, 172, 26, 13)),
        ],
        "lamp" => &[
            Put(Glow, Area(&[(206, 142), (286, 96), (360, 276), (180, 276)], 0)),
            Put(Iron, Line(&[(150, 262), (104, 160), (196, 80)], 10)),
            Put(Paper, Oval(244, 118, 27, 27)),
            Put(Main, Blob(&[(205, 148), (205, 148), (186, 100), (176, 66), (230, 60), (292, 96), (292, 96)])),
            In(Shine, Blob(&[(180, 60), (240, 60), (310, 96), (250, 110), (210, 84)])),
            Put(Second, All(&[Oval(196, 78, 14, 14), Oval(104, 160, 11, 11), Rect(124, 246, 52, 20, 8)])),
            Put(Main, Rect(96, 260, 108, 20, 9)),
        ],
        "desk" => &[
            Put(Main, Rect(214, 130, 106, 112, 5)),
            In(Dim, All(&[Rect(214, 164, 106, 4, 0), Rect(214, 202, 106, 4, 0)])),
            In(Paper, All(&[Rect(254, 145, 26, 7, 3), Rect(254, 182, 26, 7, 3), Rect(254, 220, 26, 7, 3)])),
            Put(
                Ink,
                All(&[Rect(92, 38, 116, 68, 6), Rect(138, 99, 24, 20, 0), Twin(&[Line(&[(326, 136), (336, 280)], 9)])]),
            ),
            In(Second, Rect(98, 44, 104, 56, 3)),
            In(Shine, Area(&[(98, 44), (160, 44), (122, 100), (98, 100)], 0)),
            Put(Accent, All(&[Rect(246, 102, 66, 11, 2), Rect(244, 80, 62, 11, 2)])),
            Put(Deep, Rect(252, 91, 58, 11, 2)),
            Put(Wood, Rect(50, 113, 300, 20, 6)),
        ],
        "shirt" => &[
            Put(Main, Twin(&[Area(&[(240, 40), (288, 58), (342, 126), (306, 156), (276, 126), (196, 90)], 6)])),
            Put(Second, Twin(&[Line(&[(341, 128), (306, 157)], 14)])),
            Put(Main, Area(&[(160, 40), (240, 40), (270, 60), (276, 270), (124, 270), (130, 60)], 6)),
            Even(Second, Rect(110, 130, 180, 30, 0)),
            Even(Accent, Rect(110, 172, 180, 14, 0)),
            Odd(Second, Oval(200, 158, 40, 40)),
            Odd(Accent, Area(&[(178, 174), (200, 134), (222, 174)], 4)),
            In(Dim, Twin(&[Area(&[(300, 280), (264, 280), (272, 150), (268, 106), (290, 120)], 0)])),
            Put(Deep, Half(&[(242, 36), (242, 36), (234, 84)])),
            Put(Second, Rope(&[(157, 38), (166, 84), (234, 84), (243, 38)], 9)),
        ],
        "shoe" => &[
            Put(Deep, Blob(&[(84, 104), (130, 116), (186, 74), (196, 100), (180, 190), (90, 180)])),
            Put(Main, Blob(&[(66, 240), (66, 240), (84, 160), (56, 84), (98, 84), (150, 136), (240, 240)])),
            Put(Main, Blob(&[(150, 240), (150, 240), (170, 70), (220, 150), (356, 160), (346, 240), (346, 240)])),
            In(Accent, Oval(350, 240, 60, 60)),
            Put(Second, Blob(&[(66, 240), (66, 240), (84, 160), (54, 82), (98, 82), (112, 180), (124, 240)])),
            Put(Paper, All(&[Line(&[(152, 230), (180, 172)], 11), Line(&[(180, 230), (204, 180)], 11)])),
            Put(Paper, All(&[Line(&[(180, 126), (204, 104)], 7), Line(&[(196, 142), (222, 122)], 7)])),
            Put(Paper, Rect(58, 222, 298, 30, 14)),
            In(Steel, Rect(58, 242, 298, 12, 0)),
        ],
        "bicycle" => &[
            Put(Steel, All(&[Twin(&[Rays(295, 204, 0, 58, 12, 2), Oval(295, 204, 9, 9)]), Rect(154, 102, 8, 26, 0)])),
            Put(Ink, Twin(&[Arc(295, 204, 61, 0, 360, 9)])),
            Put(Iron, Line(&[(105, 198), (188, 194), (196, 232), (180, 184), (188, 222), (105, 210)], 4)),
            Put(Main, Line(&[(163, 128), (105, 204), (188, 208), (163, 128), (254, 122), (188, 208)], 9)),
            Put(Main, Rope(&[(249, 98), (262, 140), (274, 180), (295, 204)], 9)),
            Put(Ink, All(&[Line(&[(134, 97), (184, 97)], 10), Oval(140, 97, 15, 8), Rect(184, 230, 28, 8, 4)])),
            Put(Ink, Rope(&[(249, 100), (240, 72), (262, 72), (288, 74), (284, 92)], 8)),
            Put(Accent, All(&[Oval(188, 208, 14, 14), Line(&[(276, 75), (284, 92)], 10)])),
        ],
        "guitar" => &[
            Put(Steel, Twin(&[Grid(222, -66, 1, 3, 22, 12)])),
            Put(Bark, Half(&[(220, -76), (220, -76), (212, 0), (212, 0)])),
            Put(Main, Half(&[(256, 124), (274, 160), (240, 206), (300, 240), (300, 320), (250, 340)])),
            In(Dim, Blob(&[(290, 110), (256, 150), (224, 206), (286, 240), (284, 320), (230, 344), (340, 350)])),
            Put(Second, Oval(200, 196, 34, 34)),
            Put(Ink, Oval(200, 196, 26, 26)),
            Put(Bark, All(&[Rect(187, -6, 26, 176, 2), Rect(166, 266, 68, 15, 5)])),
            Put(Paper, All(&[Line(&[(200, -4), (200, 272)], 2), Twin(&[Line(&[(207, -4), (209, 272)], 2)])])),
        ],
        "headphones" => &[
            Put(Deep, Arc(200, 164, 88, 200, 340, 8)),
            Put(Main, Arc(200, 164, 100, 180, 360, 20)),
            Put(Ink, Twin(&[Rect(290, 146, 18, 50, 8), Rect(254, 162, 34, 94, 16)])),
            Put(Main, Twin(&[Rect(274, 156, 48, 106, 24)])),
            In(Second, Twin(&[Rect(302, 156, 20, 106, 0)])),
        ],
        "keyboard" => &[
            Put(Deep, Rect(36, 96, 328, 128, 14)),
            Put(Main, Rect(36, 90, 328, 126, 14)),
            Put(Paper, All(&[Grid(49, 102, 12, 3, 26, 22), Rect(49, 180, 302, 24, 5)])),
            In(Accent, All(&[Rect(49, 102, 22, 22, 4), Rect(75, 128, 48, 22, 0), Rect(283, 180, 70, 24, 0)])),
            Odd(Second, Rect(75, 154, 100, 22, 4)),
            Even(Second, Rect(101, 100, 210, 25, 4)),
            In(Main, All(&[Rect(97, 180, 4, 24, 0), Rect(253, 180, 4, 24, 0), Rect(279, 180, 4, 24, 0)])),
        ],
        "mouse" => &[
            Put(Ink, Rope(&[(200, 80), (200, 20), (250, 10), (290, 30), (320, -10)], 7)),
            Put(Main, Half(&[(240, 58), (276, 90), (264, 160), (284, 240), (250, 274)])),
            Even(Second, Rect(100, 40, 200, 100, 0)),
            Odd(Deep, Twin(&[Rect(248, 148, 60, 130, 12)])),
            In(Ink, Line(&[(200, 40), (200, 140), (100, 140), (300, 140)], 4)),
            In(Shine, Blob(&[(120, 60), (190, 60), (150, 140), (160, 270), (100, 260)])),
            Put(Ink, Rect(189, 84, 22, 44, 11)),
            In(Accent, Rect(195, 92, 10, 28, 5)),
        ],
        "pot" => &[
            Put(Mist, Twin(&[Rope(&[(240, 66), (216, 46), (264, 26), (240, 4)], 8)])),
            Put(Ink, Rect(60, 160, 280, 24, 12)),
            Put(Main, Half(&[(304, 130), (304, 130), (304, 240), (280, 276)])),
            In(Shine, Rect(118, 150, 16, 90, 8)),
            Odd(Second, Rect(90, 216, 220, 16, 0)),
            Even(Dim, Rect(240, 130, 80, 150, 0)),
            Put(Deep, Half(&[(250, 86), (304, 132), (304, 132)])),
            Put(Steel, Rect(86, 126, 228, 14, 7)),
            Put(Accent, Rect(180, 74, 40, 24, 10)),
        ],
        "kettle" => &[
            Put(Ink, Rope(&[(136, 100), (120, 30), (200, 20), (280, 30), (264, 100)], 14)),
            Put(Deep, Area(&[(262, 170), (318, 104), (346, 104), (280, 236)], 4)),
            Put(Main, Half(&[(260, 92), (290, 120), (320, 268), (320, 268)])),
            In(Shine, Blob(&[(130, 120), (150, 120), (126, 240), (104, 240)])),
            Odd(Second, Rect(60, 192, 280, 16, 0)),
            Even(Second, Oval(214, 186, 28, 28)),
            Put(Steel, Rect(150, 88, 100, 16, 8)),
            Put(Accent, Oval(200, 80, 15, 13)),
            Put(Ink, Rect(84, 262, 232, 14, 6)),
        ],
        "charger" => &[
            Put(Steel, All(&[Rect(112, 40, 13, 44, 3), Rect(157, 40, 13, 44, 3), Rect(305, 222, 22, 30, 4)])),
            Put(Ink, Rope(&[(141, 190), (141, 290), (240, 290), (240, 190), (240, 100), (316, 80), (316, 190)], 10)),
            Put(Main, Rect(86, 76, 110, 120, 20)),
            In(Shine, Rect(86, 76, 26, 120, 0)),
            In(Dim, Rect(86, 168, 110, 30, 0)),
            In(Paper, Area(&[(148, 96), (118, 136), (138, 136), (132, 162), (164, 122), (143, 122)], 2)),
            Put(Second, Rect(299, 174, 34, 54, 8)),
        ],
        "console" => &[
            Put(Ink, Rect(110, 82, 180, 136, 6)),
            Put(Second, Rect(122, 94, 156, 112, 4)),
            Odd(Paper, Oval(236, 120, 13, 13)),
            Odd(Accent, Blob(&[(80, 200), (150, 120), (200, 200), (250, 150), (320, 200), (300, 250), (100, 250)])),
            Even(Accent, All(&[Rect(100, 184, 200, 30, 0), Rect(224, 150, 60, 12, 0), Rect(122, 128, 46, 12, 0)])),
            Even(Paper, All(&[Grid(190, 116, 4, 1, 20, 10), Rect(160, 160, 20, 24, 6)])),
            Put(Main, Twin(&[Blob(&[(288, 78), (288, 78), (340, 72), (340, 228), (288, 222), (288, 222)])])),
            In(Ink, All(&[Oval(87, 120, 15, 15), Oval(313, 182, 15, 15), Rays(87, 180, 0, 14, 4, 9)])),
            In(Paper, All(&[Rays(313, 124, 16, 17, 4, 11), Arc(87, 120, 9, 0, 360, 2), Arc(313, 182, 9, 0, 360, 2)])),
        ],
        "camera" => &[
            Put(Ink, Rect(92, 78, 44, 20, 5)),
            Put(Accent, Rect(258, 72, 36, 24, 6)),
            Put(Steel, All(&[Area(&[(160, 92), (172, 58), (228, 58), (240, 92)], 4), Rect(66, 90, 268, 150, 18)])),
            In(Main, Rect(66, 118, 268, 88, 0)),
            In(Paper, All(&[Rect(184, 68, 32, 14, 3), Rect(272, 98, 40, 12, 4)])),
            In(Second, Oval(200, 164, 40, 40)),
            In(Ink, All(&[Arc(200, 164, 50, 0, 360, 32), Oval(200, 164, 19, 19)])),
            In(Steel, Arc(200, 164, 51, 0, 360, 10)),
            In(Mist, Oval(186, 148, 9, 9)),
        ],
        "plant" => &[
            Put(Leaf, Twin(&[Blob(&[(200, 194), (290, 184), (320, 116), (320, 116), (250, 112), (200, 150)])])),
            Put(Leaf, Blob(&[(202, 150), (202, 150), (160, 90), (206, 20), (206, 20), (254, 84), (214, 140)])),
            Put(Fern, Twin(&[Blob(&[(200, 198), (280, 120), (282, 56), (282, 56), (226, 86), (194, 140)])])),
            In(Shine, Rect(90, 20, 110, 200, 0)),
            Put(Main, Half(&[(264, 204), (264, 204), (248, 280), (248, 280)])),
            Even(Second, Rect(120, 236, 180, 14, 0)),
            Odd(Accent, Grid(150, 236, 5, 1, 22, 12)),
            In(Dim, Area(&[(226, 200), (270, 200), (260, 290), (214, 290)], 0)),
            Put(Deep, Rect(128, 180, 144, 32, 7)),
        ],
        "umbrella" => &[
            Put(Iron, Line(&[(200, 20), (200, 240)], 8)),
            Put(Ink, Rope(&[(200, 226), (200, 292), (150, 292), (150, 256)], 12)),
            Put(Main, Half(&[(280, 30), (346, 100), (350, 164), (350, 164), (325, 140), (300, 164), (300, 164)])),
            Put(Second, Half(&[(200, 30), (200, 30), (290, 60), (300, 164), (300, 164), (275, 140), (250, 164)])),
            Put(Main, Half(&[(200, 30), (200, 30), (246, 70), (250, 164), (250, 164), (225, 140), (200, 164)])),
        ],
        "bag" => &[
            Put(Deep, All(&[Rope(&[(172, 60), (172, 14), (228, 14), (228, 60)], 12), Rect(94, 150, 212, 100, 14)])),
            Put(Main, Half(&[(270, 44), (288, 100), (288, 180), (300, 262), (270, 274)])),
            Even(Dim, All(&[Rect(90, 130, 220, 6, 0), Rect(90, 250, 220, 40, 0)])),
            Put(Second, Rect(136, 162, 128, 86, 18)),
            In(Dim, Rect(136, 162, 128, 26, 0)),
            In(Steel, Line(&[(152, 188), (240, 188)], 4)),
            Put(Accent, All(&[Rect(234, 184, 10, 26, 4), Rect(176, 84, 48, 28, 6)])),
        ],
        "key" => &[
            Put(Steel, Arc(64, 150, 32, 0, 360, 7)),
            Put(Main, All(&[Arc(130, 150, 44, 0, 360, 30), Rect(180, 138, 160, 24, 6), Grid(276, 158, 2, 1, 34, 28)])),
            Put(Dim, Rect(184, 152, 150, 8, 2)),
            Put(Second, Area(&[(20, 190), (60, 176), (84, 232), (44, 246)], 8)),
            In(Paper, Oval(46, 194, 6, 6)),
            In(Accent, Area(&[(20, 226), (90, 200), (120, 280), (40, 280)], 0)),
        ],
        "watch" => &[
            Put(Second, All(&[Half(&[(226, 0), (226, 0), (238, 150)]), Half(&[(238, 150), (226, 300), (226, 300)])])),
            In(Ink, Grid(195, 246, 1, 3, 16, 10)),
            Put(Steel, All(&[Rect(278, 140, 16, 22, 4), Oval(200, 150, 84, 84)])),
            In(Paper, Oval(200, 150, 70, 70)),
            In(Main, Arc(200, 150, 69, 0, 360, 10)),
            In(Ink, All(&[Rays(200, 150, 50, 56, 12, 4), Line(&[(200, 108), (200, 150), (232, 168)], 7)])),
            In(Accent, All(&[Line(&[(210, 136), (168, 198)], 3), Oval(200, 150, 6, 6)])),
        ],
        "scooter" => &[
            Put(Deep, All(&[Line(&[(276, 230), (246, 44)], 12), Arc(92, 236, 40, 190, 320, 8)])),
            Put(Ink, Rope(&[(210, 38), (250, 34), (276, 42)], 9)),
            Put(Main, All(&[Rope(&[(100, 232), (240, 240), (268, 222), (268, 180)], 16), Rect(112, 222, 130, 20, 8)])),
            Put(Accent, All(&[Oval(252, 76, 9, 9), Line(&[(206, 40), (222, 36)], 12)])),
            Put(Ink, All(&[Oval(92, 236, 32, 32), Oval(282, 236, 32, 32)])),
            In(Steel, All(&[Oval(92, 236, 16, 16), Oval(282, 236, 16, 16)])),
        ],
        "ticket" => &[
            Put(Deep, Area(&[(84, 72), (330, 40), (350, 170), (104, 202)], 6)),
            Put(Main, Area(&[(64, 112), (336, 112), (336, 146), (322, 168), (336, 190), (336, 224), (64, 224)], 5)),
            In(Second, Rect(264, 100, 90, 140, 0)),
            In(Paper, Grid(261, 106, 1, 12, 11, 6)),
            In(Paper, All(&[Line(&[(106, 142), (200, 142)], 12), Rays(296, 168, 0, 20, 5, 9)])),
            In(Mist, All(&[Line(&[(106, 168), (230, 168)], 7), Line(&[(106, 190), (180, 190)], 7)])),
        ],
        _ => &[
            Put(Wood, Area(&[(90, 108), (200, 76), (310, 108), (200, 276), (90, 240)], 2)),
            Put(Bark, Area(&[(310, 110), (200, 140), (200, 276), (310, 240)], 2)),
            Put(Shine, Area(&[(90, 108), (200, 76), (310, 108), (200, 140)], 2)),
            Put(Main, Area(&[(138, 93), (154, 88), (266, 121), (266, 150), (248, 155), (248, 127)], 0)),
            Put(Paper, Area(&[(108, 188), (160, 204), (160, 242), (108, 226)], 2)),
            In(Ink, All(&[Line(&[(116, 202), (146, 211)], 4), Line(&[(116, 214), (136, 220)], 4)])),
        ],
    }
}
