// Package report owns what a load test has to say: figures made of samples, their tables, plots and pages, and how a
// report compares with an older one.
package report
