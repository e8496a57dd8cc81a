// Package dump reads the files of a partition folder, FlashQ's or Kafka's, and says what stands in them: one item
// after the other, in the order of the file, however large that is. It opens files for reading alone, takes no lock,
// and knows no terminal.
package dump
