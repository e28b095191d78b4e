//! Marks on pixels.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster};
use tiny_skia::{
    Color, FillRule, FilterQuality, LineCap, Mask, Paint, Path, PathBuilder, Pixmap, PixmapPaint, PremultipliedColorU8,
    Rect, Stroke, StrokeDash, Transform,
};

use super::colours::{Colour, INK};
use super::drawing::{Anchor, Drawing, Fill, Mark, Pixels, Place};

/// Pixels to a unit of the picture: a chart that is half a page wide in the browser reads well in print.
const SCALE: f64 = 2.0;
const LETTERS: (FontWeight, RasterHeight) = (FontWeight::Regular, RasterHeight::Size20);
/// How much of a letter's height stands above the line that it stands on.
const ABOVE: f64 = 0.78;

pub struct Canvas {
    pixmap: Pixmap,
    /// How far down the picture that is drawn begins, in its units.
    down: f64,
}

impl Canvas {
    /// A white one; none without a size.
    pub fn new(width: f64, height: f64) -> Option<Self> {
        let mut pixmap = Pixmap::new((SCALE * width).ceil() as u32, (SCALE * height).ceil() as u32)?;
        pixmap.fill(Color::WHITE);
        Some(Self { pixmap, down: 0.0 })
    }

    pub fn title(&mut self, words: &str) {
        self.words((12.0, 20.0), words, Anchor::Start, false, INK);
    }

    /// A picture whose upper edge lies `down` from that of the canvas.
    pub fn draw(&mut self, drawing: &Drawing, down: f64) {
        self.down = down;
        let (from, to) = drawing.plot;
        let mask = self.rectangle(from, to).zip(Mask::new(self.pixmap.width(), self.pixmap.height()));
        let mask = mask.map(|(path, mut mask)| {
            mask.fill_path(&path, FillRule::Winding, true, Transform::identity());
            mask
        });
        drawing.around.iter().for_each(|mark| self.mark(mark, None));
        drawing.inside.iter().for_each(|mark| self.mark(mark, mask.as_ref()));
        drawing.over.iter().for_each(|mark| self.mark(mark, None));
    }

    pub fn pixels(&self) -> Pixels {
        // On white nothing shines through.
        let rgb = self.pixmap.pixels().iter().flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]).collect();
        Pixels { rgb, width: self.pixmap.width(), height: self.pixmap.height() }
    }

    fn place(&self, (x, y): Place) -> (f32, f32) {
        ((SCALE * x) as f32, (SCALE * (y + self.down)) as f32)
    }

    fn rectangle(&self, from: Place, to: Place) -> Option<Path> {
        let ((left, top), (right, bottom)) = (self.place(from), self.place(to));
        Some(PathBuilder::from_rect(Rect::from_ltrb(left, top, right, bottom)?))
    }

    fn outline(&self, points: &[Place], closed: bool) -> Option<Path> {
        let mut builder = PathBuilder::new();
        let mut points = points.iter().map(|point| self.place(*point));
        let (x, y) = points.next()?;
        builder.move_to(x, y);
        points.for_each(|(x, y)| builder.line_to(x, y));
        if closed {
            builder.close();
        }
        builder.finish()
    }

    fn fill(&mut self, path: &Path, colour: Colour, opacity: f64, mask: Option<&Mask>) {
        self.pixmap.fill_path(path, &paint(colour, opacity), FillRule::Winding, Transform::identity(), mask);
    }

    fn stroke(&mut self, path: &Path, colour: Colour, width: f64, dashes: Option<[f64; 2]>, mask: Option<&Mask>) {
        let dash = dashes.and_then(|lengths| StrokeDash::new(lengths.map(|n| (SCALE * n) as f32).to_vec(), 0.0));
        let stroke = Stroke { width: (SCALE * width) as f32, line_cap: LineCap::Butt, dash, ..Stroke::default() };
        self.pixmap.stroke_path(path, &paint(colour, 1.0), &stroke, Transform::identity(), mask);
    }

    fn mark(&mut self, mark: &Mark, mask: Option<&Mask>) {
        match mark {
            Mark::Line { points, colour, width, dashes } => {
                if let Some(path) = self.outline(points, false) {
                    self.stroke(&path, *colour, *width, *dashes, mask);
                }
            }
            Mark::Box { from, to, colour, fill } => {
                if let Some(path) = self.rectangle(*from, *to) {
                    self.filled(&path, (*from, *to), *colour, *fill, mask);
                }
            }
            Mark::Shape { points, colour } => {
                if let Some(path) = self.outline(points, true) {
                    self.fill(&path, *colour, 1.0, mask);
                }
            }
            Mark::Dot { at, radius, colour, .. } => {
                let (x, y) = self.place(*at);
                if let Some(path) = PathBuilder::from_circle(x, y, (SCALE * radius) as f32) {
                    self.fill(&path, *colour, 1.0, mask);
                }
            }
            Mark::Words { at, words, anchor, upright, colour } => self.words(*at, words, *anchor, *upright, *colour),
            Mark::Image { from, to, pixels } => self.image(*from, *to, pixels, mask),
        }
    }

    fn filled(&mut self, path: &Path, (from, to): (Place, Place), colour: Colour, fill: Fill, mask: Option<&Mask>) {
        match fill {
            Fill::Even(opacity) => return self.fill(path, colour, opacity, mask),
            Fill::Edged => self.fill(path, colour, 0.45, mask),
            Fill::Hollow => {}
            Fill::Hatched => {
                // Stripes from lower left to upper right, at the same places in every box.
                let mut stripes = PathBuilder::new();
                let ((left, top), (right, bottom)) = (self.place(from), self.place(to));
                let step = (SCALE * 5.0 * std::f64::consts::SQRT_2) as f32;
                let mut at = ((left + top) / step).ceil() * step;
                while at < right + bottom {
                    let lower = (at - bottom).max(left);
                    let upper = (at - top).min(right);
                    stripes.move_to(lower, at - lower);
                    stripes.line_to(upper, at - upper);
                    at += step;
                }
                if let Some(stripes) = stripes.finish() {
                    self.stroke(&stripes, colour, 1.6, None, mask);
                }
            }
        }
        self.stroke(path, colour, 0.8, None, mask);
    }

    fn image(&mut self, from: Place, to: Place, pixels: &Pixels, mask: Option<&Mask>) {
        let Some(mut image) = Pixmap::new(pixels.width, pixels.height) else { return };
        for (pixel, rgb) in image.pixels_mut().iter_mut().zip(pixels.rgb.as_chunks::<3>().0) {
            let [red, green, blue] = *rgb;
            if let Some(colour) = PremultipliedColorU8::from_rgba(red, green, blue, 255) {
                *pixel = colour;
            }
        }
        let ((left, top), (right, bottom)) = (self.place(from), self.place(to));
        let (across, down) = ((right - left) / pixels.width as f32, (bottom - top) / pixels.height as f32);
        // As it is: what lies between two values nobody measured.
        let how = PixmapPaint { quality: FilterQuality::Nearest, ..PixmapPaint::default() };
        self.pixmap.draw_pixmap(
            0,
            0,
            image.as_ref(),
            &how,
            Transform::from_row(across, 0.0, 0.0, down, left, top),
            mask,
        );
    }

    /// Letters of one width. What the font does not have stands as a question mark.
    fn words(&mut self, at: Place, words: &str, anchor: Anchor, upright: bool, Colour(rgb): Colour) {
        let (weight, height) = LETTERS;
        let letter = |character| get_raster(character, weight, height).or_else(|| get_raster('?', weight, height));
        let letters: Vec<_> = words.chars().filter_map(letter).collect();
        let length: usize = letters.iter().map(noto_sans_mono_bitmap::RasterizedChar::width).sum();
        let before = match anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => 0.5 * length as f32,
            Anchor::End => length as f32,
        };
        let above = (ABOVE * height.val() as f64) as f32;
        let (x, y) = self.place(at);
        let mut along = 0;
        for letter in &letters {
            for (row, line) in letter.rows().enumerate() {
                for (column, coverage) in line.iter().enumerate() {
                    let (right, down) = ((along + column) as f32 - before, row as f32 - above);
                    let (px, py) = if upright { (x + down, y - right) } else { (x + right, y + down) };
                    self.blend((px.round() as i64, py.round() as i64), rgb, *coverage);
                }
            }
            along += letter.width();
        }
    }

    fn blend(&mut self, (x, y): (i64, i64), rgb: [u8; 3], coverage: u8) {
        let (width, height) = (i64::from(self.pixmap.width()), i64::from(self.pixmap.height()));
        if coverage == 0 || !(0..width).contains(&x) || !(0..height).contains(&y) {
            return;
        }
        if let Some(pixel) = self.pixmap.pixels_mut().get_mut((y * width + x) as usize) {
            let mix = |under: u8, over: u8| {
                let (under, over, share) = (u16::from(under), u16::from(over), u16::from(coverage));
                ((under * (255 - share) + over * share + 127) / 255) as u8
            };
            let [red, green, blue] = rgb;
            let mixed = (mix(pixel.red(), red), mix(pixel.green(), green), mix(pixel.blue(), blue));
            if let Some(mixed) = PremultipliedColorU8::from_rgba(mixed.0, mixed.1, mixed.2, 255) {
                *pixel = mixed;
            }
        }
    }
}

fn paint(Colour([red, green, blue]): Colour, opacity: f64) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(red, green, blue, (255.0 * opacity).round() as u8);
    paint.anti_alias = true;
    paint
}
