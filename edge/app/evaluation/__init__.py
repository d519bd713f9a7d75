"""What `edge eval` and `edge bench` measure: accuracy, restoration and speed.

accuracy                    pairs, identification, detection
groups                      false matches by sex, skin and age
watch                       states of a camera
restore, restore_report     what each enhancement step does, and benefit.json; the report
view                        view.json: steps for eyes
bench, bench_steps          speed of every stage; of every enhancement step
bench_compare, timing       against an earlier run; how a call is timed
"""
