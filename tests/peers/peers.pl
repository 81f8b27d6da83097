#!/usr/bin/perl
# The time that Mail::DKIM takes for one message, for tests/bench-peers; as peers.py, without the implementation.
use strict;
use warnings;
use Mail::DKIM::DNS;
use Mail::DKIM::PrivateKey;
use Mail::DKIM::Signer;
use Mail::DKIM::Verifier;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my ($file, $key_file, $record, $seconds) = @ARGV;
{

    package Answer;
    sub new { my ($class, $text) = @_; return bless \$text, $class }
    sub type { return 'TXT' }
    sub txtdata { return ${ $_[0] } }
    sub char_str_list { return ${ $_[0] } }
}
{
    no warnings 'redefine';
    *Mail::DKIM::DNS::query = sub { return Answer->new($record) };
}
open my $in, '<:raw', $file or die "$file: $!";
my $signed = do { local $/; <$in> };
(my $message = $signed) =~ s/\A.*?\r\n(?![ \t])//s;
my $key = Mail::DKIM::PrivateKey->load(File => $key_file);

printf "sign %.1f\n",   median(\&sign);
printf "verify %.1f\n", median(\&verify);

sub sign {
    my $signer = Mail::DKIM::Signer->new(
        Algorithm => 'rsa-sha256', Method => 'relaxed/relaxed', Domain => 'bench.example', Selector => 's1', Key => $key,
    );
    $signer->PRINT($message);
    $signer->CLOSE;
    die "not signed" unless $signer->signature;
}

sub verify {
    my $verifier = Mail::DKIM::Verifier->new;
    $verifier->PRINT($signed);
    $verifier->CLOSE;
    die $verifier->result_detail unless $verifier->result eq 'pass';
}

sub median {
    my $work = shift;
    $work->();
    my @times;
    my $end = clock_gettime(CLOCK_MONOTONIC) + $seconds;
    while (@times < 3 || clock_gettime(CLOCK_MONOTONIC) < $end) {
        my $start = clock_gettime(CLOCK_MONOTONIC);
        $work->();
        push @times, clock_gettime(CLOCK_MONOTONIC) - $start;
    }
    @times = sort { $a <=> $b } @times;
    return 1e6 * ($times[ $#times / 2 ] + $times[ @times / 2 ]) / 2;
}
