package metrics

import (
	"bytes"
	"strconv"
)

// ContentType is the media type of a page.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Page is one exposition in Prometheus' text format, while it is written. It belongs to one goroutine.
type Page struct {
	parts []*Part
	full  bool
	held  int
	room  func(bytes int) bool
}

// chunk is by how much a part grows: what is there is never moved.
const chunk = 16 << 10

// NewPage begins a page. room is asked before it holds so many bytes in all; where that is false, the page is full.
func NewPage(room func(bytes int) bool) *Page { return &Page{room: room} }

// Full tells that there was no room, and the page is of no use.
func (p *Page) Full() bool { return p.full }

// Add writes a family as it is now.
func (p *Page) Add(f *Family) { f.write(p.Part(f.Desc)) }

// Part begins a family, to which samples may be added until the page is done. One without samples stays away.
func (p *Page) Part(d Desc) *Part {
	t := &Part{page: p, desc: d}
	p.parts = append(p.parts, t)
	return t
}

// One writes a family of one sample.
func (p *Page) One(d Desc, value float64) { p.Part(d).Float(nil, value) }

// Size is how long the page is.
func (p *Page) Size() (n int) {
	for _, t := range p.parts {
		for _, c := range t.chunks {
			n += len(c)
		}
	}
	return n
}

// Held is how much memory the page takes.
func (p *Page) Held() int { return p.held }

// AppendTo appends the page.
func (p *Page) AppendTo(text []byte) []byte {
	for _, t := range p.parts {
		for _, c := range t.chunks {
			text = append(text, c...)
		}
	}
	return text
}

// Part is one family on a page.
type Part struct {
	page   *Page
	desc   Desc
	chunks [][]byte
	line   []byte // scratch
}

// Int adds a sample; labels are AppendLabels'.
func (t *Part) Int(labels []byte, value int64) {
	t.line = append(append(append(t.line[:0], t.desc.Name...), labels...), ' ')
	t.line = append(strconv.AppendInt(t.line, value, 10), '\n')
	t.put(t.line)
}

// Float adds a sample.
func (t *Part) Float(labels []byte, value float64) { t.Suffixed("", labels, value) }

// Suffixed adds a sample whose name is the family's with a suffix: those of a summary.
func (t *Part) Suffixed(suffix string, labels []byte, value float64) {
	t.line = append(append(append(append(t.line[:0], t.desc.Name...), suffix...), labels...), ' ')
	t.line = append(strconv.AppendFloat(t.line, value, 'g', -1, 64), '\n')
	t.put(t.line)
}

// Write implements io.Writer for samples that are text already.
func (t *Part) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n') + 1
		if end == 0 {
			end = len(rest)
		}
		t.put(rest[:end])
		rest = rest[end:]
	}
	return len(p), nil
}

func (t *Part) put(line []byte) {
	if t.chunks == nil {
		if !t.grow(256 + len(line)) {
			return
		}
		d := &t.desc
		t.chunks[0] = append(t.chunks[0], "# HELP "+d.Name+" "+d.Help+"\n# TYPE "+d.Name+" "+string(d.Kind)+"\n"...)
	}
	last := len(t.chunks) - 1
	if len(t.chunks[last])+len(line) > cap(t.chunks[last]) {
		if !t.grow(max(chunk, len(line))) {
			return
		}
		last++
	}
	t.chunks[last] = append(t.chunks[last], line...)
}

func (t *Part) grow(size int) bool {
	p := t.page
	if p.full = p.full || !p.room(p.held+size); p.full {
		return false
	}
	p.held += size
	t.chunks = append(t.chunks, make([]byte, 0, size))
	return true
}
