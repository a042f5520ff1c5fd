// SPDX-License-Identifier: BSD-3-Clause

// Package plot draws line charts as SVG. They are readable in light and in dark
// (the colours follow the reader's preference), by people who do not tell all
// colours apart (each line has a marker and a dash of its own and its name at its
// end), and without any font or script from elsewhere.
package plot

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Point is one measurement with its spread.
type Point struct{ X, Y, Low, High float64 }

// Series is a line.
type Series struct {
	Name   string
	Points []Point
}

// Chart is a line chart. A logarithmic axis shows growth: doubling is as far
// everywhere.
type Chart struct {
	Title, XLabel, YLabel string
	LogX, LogY            bool
	Unit                  func(float64) string // how the vertical axis writes its figures
	Series                []Series             // at most as many as there are styles
}

// The places of things, in pixels.
const (
	width, height            = 720, 420
	left, right, top, bottom = 84, 164, 44, 58
	labelHeight              = 16 // of a line's name
	labelLength              = 20 // characters that have room
)

// style is how a line is told from the others. The colours are those of Okabe and
// Ito, made lighter or darker for contrast with the background.
type style struct{ light, dark, dash, marker string }

func styles() []style {
	return []style{
		{"#b34e00", "#ff9a4d", "", "circle"},
		{"#0065a3", "#66bdf0", "", "square"},
		{"#00785a", "#3fd1a5", "7 4", "triangle"},
		{"#9c4f7c", "#e39ac2", "2 3", "diamond"},
		{"#5c5c5c", "#b8b8b8", "9 3 2 3", "cross"},
	}
}

// SVG draws the chart.
func (c *Chart) SVG() (string, error) {
	styles := styles()
	if len(c.Series) == 0 || len(c.Series) > len(styles) {
		return "", fmt.Errorf("plot: %d lines; there can be 1 to %d", len(c.Series), len(styles))
	}
	x, y, err := c.axes()
	if err != nil {
		return "", err
	}
	d := &drawing{}
	d.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="13" role="img">`, width, height)
	d.add(`<title>%s</title>`, escape(c.Title))
	d.css(styles)
	d.text(left, 24, "start", "title", c.Title)
	for _, v := range y.ticks {
		d.add(`<line class="grid" x1="%d" y1="%.1f" x2="%d" y2="%.1f"/>`, left, y.at(v), width-right, y.at(v))
		d.text(left-8, y.at(v)+4, "end", "", c.Unit(v))
	}
	for _, v := range x.ticks {
		d.add(`<line class="axis" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>`, x.at(v), height-bottom, x.at(v), height-bottom+5)
		d.text(x.at(v), height-bottom+20, "middle", "", number(v))
	}
	d.add(`<path class="axis" d="M%d %d V%d H%d"/>`, left, top, height-bottom, width-right)
	d.text((left+width-right)/2, height-14, "middle", "", c.XLabel)
	d.add(`<text transform="translate(18 %d) rotate(-90)" text-anchor="middle">%s</text>`, (top+height-bottom)/2, escape(c.YLabel))
	for i, s := range c.Series {
		d.line(s, styles[i].marker, fmt.Sprintf("s%d", i), x, y)
	}
	d.names(c.Series, y)
	d.add(`</svg>`)
	return d.String(), nil
}

// axis maps values to pixels.
type axis struct {
	log      bool
	low, top float64 // values
	from, to float64 // pixels
	ticks    []float64
}

func (a *axis) at(v float64) float64 {
	low, top := a.low, a.top
	if a.log {
		v, low, top = math.Log(v), math.Log(low), math.Log(top)
	}
	return a.from + (v-low)/(top-low)*(a.to-a.from)
}

// axes fits the axes to the points.
func (c *Chart) axes() (x, y *axis, err error) {
	var xs, ys []float64
	for _, s := range c.Series {
		if utf8.RuneCountInString(s.Name) > labelLength {
			return nil, nil, fmt.Errorf("plot: the name %q has no room", s.Name)
		}
		for _, p := range s.Points {
			for _, v := range []float64{p.X, p.Y, p.Low, p.High} {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					return nil, nil, fmt.Errorf("plot: %s has a point at %v", s.Name, v)
				}
			}
			xs, ys = append(xs, p.X), append(ys, p.Low, p.High)
		}
	}
	slices.Sort(xs)
	xs = slices.Compact(xs)
	if len(xs) < 2 {
		return nil, nil, fmt.Errorf("plot: a line needs two points")
	}
	if c.LogX && xs[0] <= 0 || c.LogY && slices.Min(ys) <= 0 {
		return nil, nil, fmt.Errorf("plot: only what is positive has a logarithm")
	}
	x = &axis{log: c.LogX, low: xs[0], top: xs[len(xs)-1], from: left + 12, to: width - right - 12, ticks: xs}
	y = &axis{log: c.LogY, from: height - bottom, to: top}
	if c.LogY {
		y.low, y.top = math.Pow(10, math.Floor(math.Log10(slices.Min(ys)))), math.Pow(10, math.Ceil(math.Log10(slices.Max(ys))))
		for v := y.low; v <= y.top*1.01; v *= 10 {
			y.ticks = append(y.ticks, v)
		}
		return x, y, nil
	}
	step := round(slices.Max(ys) / 5)
	for v := 0.0; len(y.ticks) == 0 || y.ticks[len(y.ticks)-1] < slices.Max(ys); v += step {
		y.ticks = append(y.ticks, v)
	}
	y.top = y.ticks[len(y.ticks)-1]
	return x, y, nil
}

// round returns the next 1, 2 or 5 with zeros.
func round(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, f := range []float64{1, 2, 5} {
		if v <= f*power {
			return f * power
		}
	}
	return 10 * power
}

// number writes 10000 as 10,000.
func number(v float64) string {
	if v < 1000 {
		return fmt.Sprintf("%g", v)
	}
	return fmt.Sprintf("%d,%03d", int(v)/1000, int(v)%1000)
}

// drawing is an SVG in the making.
type drawing struct{ strings.Builder }

func (d *drawing) add(format string, args ...any) {
	_, _ = fmt.Fprintf(d, format+"\n", args...) // A Builder does not fail.
}

func (d *drawing) text(x, y float64, anchor, class, s string) {
	if class != "" {
		class = fmt.Sprintf(` class="%s"`, class)
	}
	d.add(`<text x="%.1f" y="%.1f" text-anchor="%s"%s>%s</text>`, x, y, anchor, class, escape(s))
}

// css gives everything its colours, for light and for dark.
func (d *drawing) css(styles []style) {
	d.add(`<style>`)
	d.add(`text{fill:#24292f}.title{font-size:15px;font-weight:600}.axis{stroke:#57606a;fill:none}.grid{stroke:#d0d7de}`)
	for i, s := range styles {
		dash := ""
		if s.dash != "" {
			dash = ";stroke-dasharray:" + s.dash
		}
		d.add(`.s%d{stroke:%s;fill:%s}path.s%d{fill:none;stroke-width:2%s}text.s%d{stroke:none}`, i, s.light, s.light, i, dash, i)
	}
	d.add(`@media (prefers-color-scheme:dark){text{fill:#e6edf3}.axis{stroke:#9198a1}.grid{stroke:#3d444d}`)
	for i, s := range styles {
		d.add(`.s%d,text.s%d{stroke:%s;fill:%s}path.s%d{fill:none}text.s%d{stroke:none}`, i, i, s.dark, s.dark, i, i)
	}
	d.add(`}</style>`)
}

// line draws a line with its markers and spreads.
func (d *drawing) line(s Series, marker, class string, x, y *axis) {
	var path strings.Builder
	for i, p := range s.Points {
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", command, x.at(p.X), y.at(p.Y))
	}
	d.add(`<path class="%s" d="%s"/>`, class, path.String())
	for _, p := range s.Points {
		d.add(`<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, class, x.at(p.X), y.at(p.Low), x.at(p.X), y.at(p.High))
		d.mark(marker, class, x.at(p.X), y.at(p.Y))
	}
}

// mark draws a marker.
func (d *drawing) mark(marker, class string, x, y float64) {
	const r = 4.5
	switch marker {
	case "circle":
		d.add(`<circle class="%s" cx="%.1f" cy="%.1f" r="%g"/>`, class, x, y, r)
	case "square":
		d.add(`<rect class="%s" x="%.1f" y="%.1f" width="%g" height="%g"/>`, class, x-r, y-r, 2*r, 2*r)
	case "triangle":
		d.add(`<polygon class="%s" points="%.1f,%.1f %.1f,%.1f %.1f,%.1f"/>`, class, x, y-r-1, x+r+1, y+r, x-r-1, y+r)
	case "diamond":
		d.add(`<polygon class="%s" points="%.1f,%.1f %.1f,%.1f %.1f,%.1f %.1f,%.1f"/>`, class, x, y-r-1, x+r+1, y, x, y+r+1, x-r-1, y)
	default:
		d.add(`<polyline class="%s" points="%.1f,%.1f %.1f,%.1f"/><polyline class="%s" points="%.1f,%.1f %.1f,%.1f"/>`,
			class, x-r, y-r, x+r, y+r, class, x-r, y+r, x+r, y-r)
	}
}

// names writes each line's name at its end, apart from one another.
func (d *drawing) names(all []Series, y *axis) {
	type label struct {
		index int
		y     float64
	}
	var labels []label
	for i, s := range all {
		labels = append(labels, label{i, y.at(s.Points[len(s.Points)-1].Y)})
	}
	slices.SortFunc(labels, func(a, b label) int { return cmp.Compare(b.y, a.y) }) // from below
	free := float64(height - bottom)
	for _, l := range labels {
		at := min(l.y, free)
		free = at - labelHeight
		d.text(width-right+6, at+4, "start", fmt.Sprintf("s%d", l.index), all[l.index].Name)
	}
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // A Builder does not fail.
	return b.String()
}
