#!/usr/bin/env perl
# Reads each file named on standard input with Sisimai and prints how many reports it made of them.
use strict;
use warnings;
use Sisimai;

my $count = 0;
while (my $file = <STDIN>) {
	chomp $file;
	my $found = eval { Sisimai->can('rise') ? Sisimai->rise($file, delivered => 1) : Sisimai->make($file, delivered => 1) };
	$count += @$found if $found;
}
print "$count\n";
