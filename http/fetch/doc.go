// Package fetch owns reading records over HTTP: what a query asks for, where its reader begins (anyone, a group, a
// member of one), which partitions take how much of an answer, the wait for records that are not there yet, and the
// form in which they are written.
//
//	query     what is asked for, checked; never changed after that
//	reader    who asks: acknowledges, joins, and says where to begin in which partitions
//	cursor    how far one partition is read, and what stands in the way
//	look      opens a partition: where its reading begins and ends
//	search    bounds the searches for a time
//	rounds    shares an answer's limits among the cursors
//	walk      the records of what was read
//	sink      the form of the answer
//	wait      the long poll
//	live      begins a stream, or refuses it
//	stream    an answer that goes on, events or lines; notes is what it tells beside records, regroup a member's side
//	flow      the form of a stream
package fetch
