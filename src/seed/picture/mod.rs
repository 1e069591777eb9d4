//! Flat pictures of second-hand articles for the demo data, deterministic by subject and seed.

mod subject;

use subject::{Form, LayerStep, Tint};

/// A debug build paints a ninth of the pixels, for speed in tests.
const SHRUNK: u16 = if cfg!(debug_assertions) { 3 } else { 1 };
const WIDTH: u16 = 480 / SHRUNK;
const HEIGHT: u16 = 360 / SHRUNK;
/// How many lines are sampled within a row of pixels; sideways the coverage is exact.
const FINE: u16 = 6;

/// Two colours of the background, then three for the article.
const PALETTES: &[[u32; 5]] = &[
    [0xFF_E8D6, 0xFF_D3BF, 0x2F_6690, 0xE4_572E, 0xF2_B134],
    [0xDF_F3F5, 0xB9_E0E8, 0xEF_6F6C, 0x46_5775, 0xF7_B267],
    [0xE9_E4FA, 0xCF_C8F2, 0xF2_8F3B, 0x5B_4B9A, 0x2A_9D8F],
    [0xE5_F4DF, 0xC3_E5C4, 0xD1_495B, 0x2E_6F6B, 0xED_AE49],
    [0xFF_F3CC, 0xFF_E1A0, 0x3D_7EA6, 0xD9_594C, 0x4C_9F70],
    [0xFD_E2E8, 0xF9_C6D2, 0x3C_6E9F, 0xC8_446B, 0x58_B09C],
    [0xDC_EBFB, 0xB8_D4F3, 0xF2_6B4E, 0x2B_4C7E, 0xF6_C445],
    [0xF3_EBDD, 0xE2_D3B9, 0x3A_7D6B, 0xC6_5D3B, 0x3E_5C8A],
    [0xD9_F2E6, 0xAF_DFCB, 0x7A_4E9F, 0xF0_785A, 0xF4_C95D],
    [0xF6_E3F5, 0xE2_C2E6, 0x2E_8C9E, 0x8A_4FA3, 0xF3_9C4A],
    [0xE6_ECF2, 0xC6_D2DF, 0xE2_574C, 0x33_658A, 0xF6_AE2D],
    [0xFC_EADF, 0xF3_CDB8, 0x4A_6FA5, 0x6B_9080, 0xDB_5461],
];
/// Kinds of steel, of wood, and of ink.
const MATERIALS: [[u32; 3]; 3] =
    [[0xC3_CAD3, 0xB4_BCC8, 0xD6_CFC4], [0xC9_8F5A, 0xB0_743F, 0xDB_A871], [0x2B_2D3A, 0x26_3238, 0x36_2F3B]];

type Point = (f32, f32);
type Rgb = [f32; 3];

/// A painted picture.
pub struct Picture {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// RGB, row by row.
    pub pixels: Vec<u8>,
}

/// Paints an article; a parcel if the subject is unknown. The seed varies colours and pose.
#[must_use]
pub fn paint(subject: &str, seed: u64) -> Picture {
    let mut rng = Rng(subject.bytes().fold(seed, |sum, byte| sum.wrapping_mul(257).wrapping_add(u64::from(byte))));
    let scheme = Scheme::roll(&mut rng);
    let odd = rng.below(2) == 1;
    let flip = if rng.below(2) == 1 { -1.0 } else { 1.0 };
    let (lean, play) = subject::lean(subject);
    let (sin, cos) = (f32::from(lean) + rng.between(-1.0, 1.0) * f32::from(play)).to_radians().sin_cos();
    let mut layers: Vec<Layer> = subject::steps(subject).iter().filter_map(|step| Layer::of(step, odd)).collect();
    place(&mut layers, |(x, y)| (flip * (x * cos - y * sin), x * sin + y * cos));

    let solid = layers.iter().filter(|layer| !layer.inside).flat_map(|layer| layer.outlines.iter().flatten());
    let (low, high) = solid.fold(((f32::MAX, f32::MAX), (f32::MIN, f32::MIN)), |(low, high), point| {
        ((low.0.min(point.0), low.1.min(point.1)), (high.0.max(point.0), high.1.max(point.1)))
    });
    let scale = (310.0 / (high.0 - low.0)).min(246.0 / (high.1 - low.1)) * rng.between(0.94, 1.04);
    let middle = (240.0 + rng.between(-8.0, 8.0), 174.0);
    let (centre, half) = ((low.0.midpoint(high.0), low.1.midpoint(high.1)), (high.1 - low.1) / 2.0 * scale);
    place(&mut layers, |(x, y)| (middle.0 + (x - centre.0) * scale, middle.1 + (y - centre.1) * scale));

    let mut canvas = Canvas::new(scheme.sky, rng.between(-0.6, 0.6));
    canvas.fill(&rng.pick(&subject::BACKDROPS).map(outlines).unwrap_or_default(), [255.0; 3], 0.38, false);
    let ground = middle.1 + half + if play == 0 { 0.0 } else { 12.0 };
    let wide = (high.0 - low.0) * scale * 0.55;
    for share in (1..=16u8).map(|part| f32::from(part) / 16.0) {
        let shadow = arc((middle.0, ground), (wide * share, (wide * 0.04 + 8.0) * share), 0.0, 360.0);
        canvas.fill(&[shadow], [30.0, 30.0, 60.0], 0.022, false);
    }
    for layer in &layers {
        let (colour, alpha) = scheme.colour(layer.tint);
        canvas.fill(&layer.outlines, colour, alpha, layer.inside);
    }
    Picture { width: u32::from(WIDTH), height: u32::from(HEIGHT), pixels: canvas.pixels }
}

/// The splitmix64 generator: small, and good enough for choosing colours.
struct Rng(u64);

impl Rng {
    fn below(&mut self, end: u16) -> u16 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        u16::try_from((mixed ^ (mixed >> 31)) % u64::from(end.max(1))).unwrap_or_default()
    }

    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * f32::from(self.below(1001)) / 1000.0
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        list.get(usize::from(self.below(u16::try_from(list.len()).unwrap_or(u16::MAX))))
    }
}

/// The colours of one picture.
struct Scheme {
    sky: [Rgb; 2],
    article: [Rgb; 3],
    material: [Rgb; 3],
}

impl Scheme {
    fn roll(rng: &mut Rng) -> Self {
        let [top, bottom, main, second, accent] = rng.pick(PALETTES).copied().unwrap_or_default().map(rgb);
        let mut article = [main, second, accent];
        article.rotate_left(usize::from(rng.below(3)));
        if rng.below(2) == 1 {
            article.reverse();
        }
        let material = MATERIALS.map(|kinds| rgb(rng.pick(&kinds).copied().unwrap_or_default()));
        Self { sky: [top, bottom], article, material }
    }

    /// The colour of a tint, and how much of it covers what is below.
    fn colour(&self, tint: Tint) -> (Rgb, f32) {
        let ([main, second, accent], [steel, wood, ink]) = (self.article, self.material);
        match tint {
            Tint::Main => (main, 1.0),
            Tint::Deep => (mix(main, ink, 0.3), 1.0),
            Tint::Second => (second, 1.0),
            Tint::Accent => (accent, 1.0),
            Tint::Ink => (ink, 1.0),
            Tint::Paper => (rgb(0xFD_FBF6), 1.0),
            Tint::Steel => (steel, 1.0),
            Tint::Iron => (mix(steel, ink, 0.45), 1.0),
            Tint::Wood => (wood, 1.0),
            Tint::Bark => (mix(wood, ink, 0.35), 1.0),
            Tint::Leaf => (rgb(0x4F_9D69), 1.0),
            Tint::Fern => (rgb(0x35_7A52), 1.0),
            Tint::Glow => (rgb(0xFF_EFA8), 0.6),
            Tint::Mist => ([255.0; 3], 0.6),
            Tint::Shine => ([255.0; 3], 0.2),
            Tint::Dim => ([20.0, 20.0, 40.0], 0.16),
        }
    }
}

fn rgb(hex: u32) -> Rgb {
    let [_, red, green, blue] = hex.to_be_bytes();
    [red, green, blue].map(f32::from)
}

fn mix(mut from: Rgb, to: Rgb, share: f32) -> Rgb {
    from.iter_mut().zip(to).for_each(|(old, new)| *old += (new - *old) * share);
    from
}

/// One shape, ready to be filled.
struct Layer {
    outlines: Vec<Vec<Point>>,
    tint: Tint,
    inside: bool, // Only where the last shape is of which this was not said.
}

impl Layer {
    fn of(step: &LayerStep, odd: bool) -> Option<Self> {
        let (shown, inside, tint, form) = match step {
            LayerStep::Put(tint, form) => (true, false, tint, form),
            LayerStep::In(tint, form) => (true, true, tint, form),
            LayerStep::Odd(tint, form) => (odd, true, tint, form),
            LayerStep::Even(tint, form) => (!odd, true, tint, form),
        };
        shown.then(|| Self { outlines: outlines(form), tint: *tint, inside })
    }
}

fn place(layers: &mut [Layer], to: impl Fn(Point) -> Point) {
    layers.iter_mut().flat_map(|layer| layer.outlines.iter_mut().flatten()).for_each(|point| *point = to(*point));
}

/// The outlines of a form. All turn the same way, so that where they overlap they add up to one shape.
fn outlines(form: &Form) -> Vec<Vec<Point>> {
    let at = |x: i16, y: i16| (f32::from(x), f32::from(y));
    let float = |points: &[(i16, i16)]| points.iter().map(|(x, y)| at(*x, *y)).collect::<Vec<Point>>();
    let mirrored = |point: &Point| (400.0 - point.0, point.1);
    let mut all = match *form {
        Form::Oval(x, y, across, down) => vec![arc(at(x, y), at(across, down), 0.0, 360.0)],
        Form::Rect(x, y, width, height, round) => vec![rounded(at(x, y), at(width, height), round.into())],
        Form::Line(points, width) => stroke(&float(points), width.into()),
        Form::Rope(points, width) => stroke(&spline(&float(points), false), width.into()),
        Form::Area(points, round) => {
            let corners = float(points);
            let closed: Vec<Point> = corners.iter().chain(corners.first()).copied().collect();
            stroke(&closed, f32::from(round) * 2.0).into_iter().chain([corners]).collect()
        }
        Form::Blob(points) => vec![spline(&float(points), true)],
        Form::Half(points) => {
            let left: Vec<Point> = float(points).iter().rev().map(mirrored).collect();
            vec![spline(&[float(points), left].concat(), true)]
        }
        Form::Arc(x, y, far, from, to, width) => {
            stroke(&arc(at(x, y), at(far, far), from.into(), to.into()), width.into())
        }
        Form::Grid(x, y, columns, rows, pitch, size) => (0..columns * rows)
            .map(|cell| at(x + cell % columns * pitch, y + cell / columns * pitch))
            .map(|corner| rounded(corner, at(size, size), f32::from(size) / 5.0))
            .collect(),
        Form::Rays(x, y, inner, outer, count, width) => (0..count)
            .map(|ray| 360.0 * f32::from(ray) / f32::from(count))
            .map(|angle| [inner, outer].map(|radius| turn(at(x, y), at(radius, radius), angle)))
            .flat_map(|ends| stroke(&ends, width.into()))
            .collect(),
        Form::All(forms) => forms.iter().flat_map(outlines).collect(),
        Form::Twin(forms) => {
            let right: Vec<Vec<Point>> = forms.iter().flat_map(outlines).collect();
            let left: Vec<_> = right.iter().map(|outline| outline.iter().map(mirrored).collect()).collect();
            right.into_iter().chain(left).collect()
        }
    };
    for outline in &mut all {
        let next = outline.iter().cycle().skip(1);
        if outline.iter().zip(next).map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum::<f32>() < 0.0 {
            outline.reverse();
        }
    }
    all
}

/// The point of an ellipse at an angle in degrees: 0 is to the right, 90 is below.
fn turn(centre: Point, radius: Point, angle: f32) -> Point {
    let (sin, cos) = angle.to_radians().sin_cos();
    (centre.0 + radius.0 * cos, centre.1 + radius.1 * sin)
}

fn arc(centre: Point, radius: Point, from: f32, to: f32) -> Vec<Point> {
    let steps = truncate((4.0 + radius.0.max(radius.1) / 8.0) * (to - from) / 90.0).max(1);
    let angle = |step: u16| from + (to - from) * f32::from(step) / f32::from(steps);
    (0..=steps).map(|step| turn(centre, radius, angle(step))).collect()
}

fn rounded(corner: Point, size: Point, round: f32) -> Vec<Point> {
    let ((x, y), (width, height)) = (corner, size);
    let (left, top, right, bottom) = (x + round, y + round, x + width - round, y + height - round);
    let corners = [((right, bottom), 0.0), ((left, bottom), 90.0), ((left, top), 180.0), ((right, top), 270.0)];
    corners.iter().flat_map(|(corner, from)| arc(*corner, (round, round), *from, from + 90.0)).collect()
}

/// A smooth curve that is pulled towards each of the points. An open one starts and ends in its first and last point.
fn spline(points: &[Point], closed: bool) -> Vec<Point> {
    let between = |a: Point, b: Point, share: f32| (a.0 + (b.0 - a.0) * share, a.1 + (b.1 - a.1) * share);
    let ends = if closed { (points.last(), points.first()) } else { (points.first(), points.last()) };
    let all: Vec<Point> = ends.0.into_iter().chain(points).chain(ends.1).copied().collect();
    let bends = all.iter().zip(all.iter().skip(1)).zip(all.iter().skip(2)).flat_map(|((a, b), c)| {
        let (start, end) = (between(*a, *b, 0.5), between(*b, *c, 0.5));
        let shares = (0u8..8).map(|step| f32::from(step) / 8.0);
        shares.map(move |share| between(between(start, *b, share), between(*b, end, share), share))
    });
    bends.chain(if closed { None } else { points.last().copied() }).collect()
}

/// A line with round ends and corners, as one outline per segment and one per point.
fn stroke(points: &[Point], width: f32) -> Vec<Vec<Point>> {
    let half = width / 2.0;
    let segments = points.iter().zip(points.iter().skip(1)).map(|(a, b)| {
        let size = half / (b.0 - a.0).hypot(b.1 - a.1).max(0.001);
        let (x, y) = ((a.1 - b.1) * size, (b.0 - a.0) * size);
        vec![(a.0 + x, a.1 + y), (b.0 + x, b.1 + y), (b.0 - x, b.1 - y), (a.0 - x, a.1 - y)]
    });
    segments.chain(points.iter().map(|point| arc(*point, (half, half), 0.0, 360.0))).collect()
}

struct Canvas {
    pixels: Vec<u8>,
    cover: Vec<f32>,  // How much of each pixel the shape in hand covers.
    holder: Vec<f32>, // The same of the last shape that may hold others inside.
}

impl Canvas {
    fn new(sky: [Rgb; 2], slant: f32) -> Self {
        let [top, bottom] = sky;
        let mut pixels = Vec::with_capacity(3 * usize::from(WIDTH) * usize::from(HEIGHT));
        for (y, x) in (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (y, x))) {
            let (across, down) = (f32::from(x) / f32::from(WIDTH), f32::from(y) / f32::from(HEIGHT));
            pixels.extend(mix(top, bottom, (down + (across - 0.5) * slant).clamp(0.0, 1.0)).map(byte));
        }
        let cover = vec![0.0; usize::from(WIDTH) * usize::from(HEIGHT)];
        Self { pixels, holder: cover.clone(), cover }
    }

    fn fill(&mut self, outlines: &[Vec<Point>], colour: Rgb, alpha: f32, inside: bool) {
        self.cover.fill(0.0);
        let mut crossings = Vec::new();
        for (a, b) in outlines.iter().flat_map(|outline| outline.iter().zip(outline.iter().cycle().skip(1))) {
            cross(&mut crossings, shrink(*a), shrink(*b));
        }
        crossings.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let (mut winding, mut start) = (0, 0.0);
        for (line, x, way) in &crossings {
            start = if winding == 0 { *x } else { start };
            winding += way;
            if winding == 0 {
                self.span(line / FINE, start, *x);
            }
        }
        let row = |end: Option<&(u16, f32, i8)>| end.map_or(0, |(line, ..)| usize::from(line / FINE));
        let first = usize::from(WIDTH) * row(crossings.first());
        let count = usize::from(WIDTH) * (row(crossings.last()) + 1) - first;
        let pixels = self.pixels.chunks_exact_mut(3).zip(&self.cover).zip(&self.holder);
        for ((pixel, cover), holder) in pixels.skip(first).take(count).filter(|((_, cover), _)| **cover > 0.0) {
            tint(pixel, colour, alpha * if inside { cover.min(*holder) } else { *cover });
        }
        if !inside {
            std::mem::swap(&mut self.cover, &mut self.holder);
        }
    }

    /// Notes that one sampled line of a row is covered between two places.
    fn span(&mut self, row: u16, from: f32, to: f32) {
        let (from, to) = (from.clamp(0.0, f32::from(WIDTH)), to.clamp(0.0, f32::from(WIDTH)));
        let start = usize::from(row) * usize::from(WIDTH);
        let (first, last) = (truncate(from), truncate(to.ceil()));
        let Some(cells) = self.cover.get_mut(start + usize::from(first)..start + usize::from(last)) else { return };
        for (cell, x) in cells.iter_mut().zip(first..) {
            *cell += (to.min(f32::from(x) + 1.0) - from.max(f32::from(x))) / f32::from(FINE);
        }
    }
}

/// Where a point of 480 by 360 lies in the picture.
fn shrink(point: Point) -> Point {
    (point.0 / f32::from(SHRUNK), point.1 / f32::from(SHRUNK))
}

/// Adds where an edge crosses the sampled lines, and whether it goes down or up there.
fn cross(crossings: &mut Vec<(u16, f32, i8)>, a: Point, b: Point) {
    let (high, low, way) = if a.1 < b.1 { (a, b, 1) } else { (b, a, -1) };
    let fine = f32::from(FINE);
    let line = |y: f32| truncate((y * fine - 0.5).ceil().clamp(0.0, f32::from(HEIGHT * FINE)));
    let slope = (low.0 - high.0) / (low.1 - high.1).max(f32::EPSILON);
    for line in line(high.1)..line(low.1) {
        crossings.push((line, high.0 + ((f32::from(line) + 0.5) / fine - high.1) * slope, way));
    }
}

fn tint(pixel: &mut [u8], colour: Rgb, share: f32) {
    pixel.iter_mut().zip(colour).for_each(|(old, new)| *old = byte(f32::from(*old) * (1.0 - share) + new * share));
}

/// A number without its fraction.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and no caller goes so far")]
fn truncate(number: f32) -> u16 {
    number as u16
}

/// A number from 0 to 255, rounded.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, as colours should")]
fn byte(number: f32) -> u8 {
    (number + 0.5) as u8
}
