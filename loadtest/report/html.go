package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

//go:embed report.html
var pageText string

var page = template.Must(template.New("report").Parse(pageText))

// WriteHTML writes the report as one page that needs nothing from elsewhere.
func (r *Report) WriteHTML(w io.Writer) error {
	type row struct {
		Name  string
		Cells []string
	}
	view := struct {
		Report   *Report
		Headline string
		Rows     []row
		Charts   []template.HTML
		Ratios   []string // the head of the table of rounds
		Rounds   [][]string
		Spreads  [][]string
	}{Report: r, Headline: r.headline()}
	for _, f := range sideFigures {
		one := row{Name: f.name}
		for _, s := range r.Sides {
			one.Cells = append(one.Cells, f.of(s))
		}
		view.Rows = append(view.Rows, one)
	}
	for _, c := range r.charts() {
		view.Charts = append(view.Charts, template.HTML(c.svg())) // chart escapes what it is given
	}
	if r.Speed != nil {
		view.Ratios, view.Rounds, view.Spreads = r.ratios()
	}
	if err := page.Execute(w, view); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}
