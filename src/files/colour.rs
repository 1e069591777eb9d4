//! Conversion of pixels to sRGB, the default colour space of untagged pictures.
//!
//! Colour space tags (an ICC profile; in PNG also `cICP`, or `gAMA` with or without `cHRM`) are not stored, so the pixels
//! are converted. An unusable profile is ignored, as browsers do.

use std::sync::Arc;

use moxcms::{
    Chromaticity, CicpProfile, ColorPrimaries, ColorProfile, DataColorSpace, Layout, MatrixCoefficients,
    ParsingOptions, Transform8BitExecutor, TransformOptions, XyY, curve_from_gamma,
};
use png::Info;

/// Pixels converted at a time.
const STRIP: usize = 4096;

/// Largest ICC profile used. Printer profiles have 1 or 2 MiB.
const PROFILE_BYTES_LIMIT: usize = 4 << 20;

/// Channel levels that probe whether a conversion changes anything.
const PROBE_LEVELS: [u8; 9] = [0, 32, 64, 96, 128, 160, 192, 224, 255];

/// 1/2.2, which PNG encoders write for the sRGB curve.
const SRGB_GAMMA: f32 = 0.454_55;
const GAMMA_TOLERANCE: f32 = 0.005;

/// ITU-T H.273 code points of HDR transfer functions (PQ, HLG), which sRGB cannot represent.
const HDR_TRANSFERS: [u8; 2] = [16, 18];

/// Converts pixels of 1 to 4 channels (grey, grey and alpha, RGB, RGBA) from an ICC profile to sRGB.
pub fn convert_icc(profile: Option<&[u8]>, pixels: &mut [u8], channels: usize) {
    if let Some(profile) = profile.and_then(parse) {
        convert(&profile, pixels, channels);
    }
}

/// As [`convert_icc`], from the colour space of the chunks of a PNG.
pub fn convert_png(info: &Info<'_>, pixels: &mut [u8], channels: usize) {
    if let Some(profile) = png_profile(info) {
        convert(&profile, pixels, channels);
    }
}

fn parse(profile: &[u8]) -> Option<ColorProfile> {
    let options = ParsingOptions { max_profile_size: PROFILE_BYTES_LIMIT, ..ParsingOptions::default() };
    ColorProfile::new_from_slice_with_options(profile, options).ok()
}

/// The colour space of a PNG; none for sRGB. Precedence as specified: `cICP`, `iCCP`, `sRGB`, `gAMA` and `cHRM`.
fn png_profile(info: &Info<'_>) -> Option<ColorProfile> {
    if let Some(profile) = cicp_profile(info) {
        return Some(profile);
    }
    if let Some(profile) = info.icc_profile.as_deref().and_then(parse) {
        return Some(profile);
    }
    if info.srgb.is_some() {
        return None;
    }
    gamma_profile(info)
}

fn cicp_profile(info: &Info<'_>) -> Option<ColorProfile> {
    let points = info.coding_independent_code_points.as_ref()?;
    if !points.is_video_full_range_image || HDR_TRANSFERS.contains(&points.transfer_function) {
        return None;
    }
    let profile = ColorProfile::new_from_cicp(CicpProfile {
        color_primaries: points.color_primaries.try_into().ok()?,
        transfer_characteristics: points.transfer_function.try_into().ok()?,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    });
    profile.red_trc.is_some().then_some(profile)
}

/// `gAMA` with the primaries of `cHRM`, by default those of sRGB.
fn gamma_profile(info: &Info<'_>) -> Option<ColorProfile> {
    let gamma = info.gama_chunk?.into_value();
    if !(0.05..=20.0).contains(&gamma) {
        return None;
    }
    let mut profile = ColorProfile::new_srgb();
    profile.cicp = None;
    // As browsers do: an exponent close to 1/2.2 means the sRGB curve, unless the primaries differ.
    if (gamma - SRGB_GAMMA).abs() > GAMMA_TOLERANCE || !has_srgb_primaries(info) {
        let curve = curve_from_gamma(1.0 / gamma);
        profile.red_trc = Some(curve.clone());
        profile.green_trc = Some(curve.clone());
        profile.blue_trc = Some(curve);
    }
    if let Some(colours) = info.chrm_chunk {
        let point =
            |(x, y): (png::ScaledFloat, png::ScaledFloat)| Chromaticity { x: x.into_value(), y: y.into_value() };
        let primaries =
            ColorPrimaries { red: point(colours.red), green: point(colours.green), blue: point(colours.blue) };
        let white = point(colours.white);
        profile.update_rgb_colorimetry(XyY { x: white.x.into(), y: white.y.into(), yb: 1.0 }, primaries);
    }
    let colorants = [profile.red_colorant, profile.green_colorant, profile.blue_colorant];
    let is_usable = colorants.iter().all(|one| one.x.is_finite() && one.y.is_finite() && one.z.is_finite());
    is_usable.then_some(profile)
}

/// Whether `cHRM` is absent or has the primaries of sRGB.
fn has_srgb_primaries(info: &Info<'_>) -> bool {
    info.chrm_chunk.is_none_or(|colours| {
        let near = |(x, y): (png::ScaledFloat, png::ScaledFloat), (srgb_x, srgb_y): (f32, f32)| {
            (x.into_value() - srgb_x).abs() < GAMMA_TOLERANCE && (y.into_value() - srgb_y).abs() < GAMMA_TOLERANCE
        };
        near(colours.red, (0.64, 0.33)) && near(colours.green, (0.30, 0.60)) && near(colours.blue, (0.15, 0.06))
    })
}

fn convert(profile: &ColorProfile, pixels: &mut [u8], channels: usize) {
    match channels {
        1 | 2 => {
            if let Some(table) = grey_table(profile) {
                for level in pixels.iter_mut().step_by(channels) {
                    *level = table.get(usize::from(*level)).copied().unwrap_or(*level);
                }
            }
        }
        3 => apply(transform(profile, Layout::Rgb, Layout::Rgb), pixels, channels),
        _ => apply(transform(profile, Layout::Rgba, Layout::Rgba), pixels, channels),
    }
}

/// None if the profile is not RGB, or equals sRGB: rounding would only lose precision.
fn transform(profile: &ColorProfile, from: Layout, to: Layout) -> Option<Arc<Transform8BitExecutor>> {
    if profile.color_space != DataColorSpace::Rgb {
        return None;
    }
    let convert =
        |from, to| profile.create_transform_8bit(from, &ColorProfile::new_srgb(), to, TransformOptions::default()).ok();
    let probe: Vec<u8> = PROBE_LEVELS
        .into_iter()
        .flat_map(|red| PROBE_LEVELS.into_iter().map(move |green| (red, green)))
        .flat_map(|(red, green)| PROBE_LEVELS.into_iter().flat_map(move |blue| [red, green, blue]))
        .collect();
    let mut converted = vec![0; probe.len()];
    convert(Layout::Rgb, Layout::Rgb)?.transform(&probe, &mut converted).ok()?;
    if is_same(&probe, &converted) { None } else { convert(from, to) }
}

/// Lookup table of grey levels; none if equal to sRGB.
fn grey_table(profile: &ColorProfile) -> Option<Vec<u8>> {
    let levels: Vec<u8> = (0..=255).collect();
    let (layout, source): (Layout, Vec<u8>) = match profile.color_space {
        DataColorSpace::Gray => (Layout::Gray, levels.clone()),
        DataColorSpace::Rgb => (Layout::Rgb, levels.iter().flat_map(|level| [*level; 3]).collect()),
        _ => return None,
    };
    let srgb = ColorProfile::new_srgb();
    let transform = profile.create_transform_8bit(layout, &srgb, Layout::Rgb, TransformOptions::default()).ok()?;
    let mut converted = vec![0; levels.len() * 3];
    transform.transform(&source, &mut converted).ok()?;
    // Green, of three equal channels.
    let table: Vec<u8> = converted.chunks_exact(3).filter_map(|pixel| pixel.get(1).copied()).collect();
    if is_same(&levels, &table) { None } else { Some(table) }
}

fn is_same(before: &[u8], after: &[u8]) -> bool {
    before.iter().zip(after).all(|(before, after)| before.abs_diff(*after) <= 1)
}

fn apply(transform: Option<Arc<Transform8BitExecutor>>, pixels: &mut [u8], channels: usize) {
    let Some(transform) = transform else { return };
    let mut source = Vec::with_capacity(STRIP * channels);
    for strip in pixels.chunks_mut(STRIP * channels) {
        source.clear();
        source.extend_from_slice(strip);
        if transform.transform(&source, strip).is_err() {
            strip.copy_from_slice(&source);
        }
    }
}
