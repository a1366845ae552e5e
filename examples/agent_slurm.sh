#!/bin/bash
# Agents as a Slurm array, each with a GPU: sbatch examples/agent_slurm.sh SEARCH
#SBATCH --job-name=hpsearch
#SBATCH --array=0-7
#SBATCH --gres=gpu:1
#SBATCH --cpus-per-task=4
#SBATCH --time=08:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@120
export HPSEARCH_URL=${HPSEARCH_URL:?set the address of the service}
export HPSEARCH_API_KEY_FILE=${HPSEARCH_API_KEY_FILE:-$HOME/.hpsearch.key}
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}
# `exec`: the signals of Slurm reach the batch script's own process, which is the agent then.
exec hpsearch agent "$1" -- python train.py --lr={lr} --epochs={epochs}
